/* GCC before 14 passes only the first 8 bytes of a tile configuration to `ldtilecfg`, and drops the
 * rest as never read; the next AMX instruction ends the process (ggml-org/llama.cpp#26954). Included
 * before ggml's sources (`CXXFLAGS="-include .../tiles.h"`), this names all 64 bytes. */
#if defined(__AMX_TILE__) && defined(__GNUC__) && !defined(__clang__)
#include <immintrin.h>
typedef char tile_config_bytes[64];
#define _tile_loadconfig(config) \
    __asm__ volatile("ldtilecfg %0" : : "m"(*(const tile_config_bytes *)(config)))
#endif
