//! ggml's own matrix product: the library under llama.cpp, built for this machine.
//!
//! A matrix is given to ggml as llama.cpp gives it a layer's: as a tensor in a buffer of some
//! *buffer type*, which decides how the weights are laid out and which kernels multiply with them.
//! On CPUs there are up to three: the file's own layout, a repacked one (`CPU_REPACK`), and one for
//! AMX tiles. llama.cpp takes the first of AMX, repacked and plain that knows the format; here each
//! competes for itself.
//!
//! This module is a fence: everything unsafe that the comparison needs of ggml is here and in its
//! parts, and what it exports is safe. What ggml promises is written in `ggml.h`, `ggml-backend.h` and `ggml-cpu.h`.
//! Pointers that it returns are checked for null when they arrive; owners free them when dropped;
//! nothing here is sent to another thread. Mistakes in shapes are assertions of ggml's, which end
//! the process, so shapes are checked before.

mod llama;
mod product;

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::NonNull;

pub(crate) use llama::Llama;
pub(crate) use product::Weights;

use anyhow::Context as _;
use kernels::FormatInfo;
use llama_cpp_sys_2 as sys;

/// What makes the crate build ggml for this machine makes rustc use its best instructions, too.
const NATIVE: bool = cfg!(any(not(target_arch = "x86_64"), target_feature = "avx2"));
/// The layout that only some processors have.
pub(crate) const TILES: &str = "ggml AMX";
/// Name under which the CPU backend hands out its list of extra buffer types.
const EXTRA: &CStr = c"ggml_backend_dev_get_extra_bufts";

/// ggml's CPU backend with threads of its own.
pub(crate) struct Ggml {
    backend: NonNull<sys::ggml_backend>,
    threads: NonNull<sys::ggml_threadpool>,
}

/// A layout of weights that ggml has kernels for.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// `ggml`, `ggml CPU_REPACK`, `ggml AMX`.
    pub(crate) name: String,
    /// Lives as long as the process.
    kind: NonNull<sys::ggml_backend_buffer_type>,
}

impl Ggml {
    /// Starts so many threads, which sleep until there is something to do.
    pub(crate) fn new(threads: usize) -> anyhow::Result<Self> {
        silence();
        let count = c_int::try_from(threads)?;
        // SAFETY: the function only fills a struct.
        let mut params = unsafe { sys::ggml_threadpool_params_default(count) };
        params.paused = true;
        // SAFETY: `params` are ggml's own defaults, and are only read.
        let threads = unsafe { sys::ggml_threadpool_new(&raw mut params) };
        let threads = NonNull::new(threads).context("ggml has no threads")?;
        // SAFETY: no precondition.
        let backend = NonNull::new(unsafe { sys::ggml_backend_cpu_init() });
        let ggml = Self { backend: backend.context("ggml has no CPU backend")?, threads };
        // SAFETY: `backend` is the CPU's, as the function demands.
        unsafe { sys::ggml_backend_cpu_set_n_threads(ggml.backend.as_ptr(), count) };
        // SAFETY: as above; the threads are freed after the backend.
        unsafe { sys::ggml_backend_cpu_set_threadpool(ggml.backend.as_ptr(), threads.as_ptr()) };
        Ok(ggml)
    }

    /// Every layout of this build on this machine; the file's own is the first.
    pub(crate) fn layouts(&self) -> Vec<Layout> {
        // SAFETY: no precondition; the type is static.
        let plain = unsafe { sys::ggml_backend_cpu_buffer_type() };
        let plain = NonNull::new(plain).map(|kind| Layout { name: "ggml".to_owned(), kind });
        plain.into_iter().chain(self.extra_layouts()).collect()
    }

    fn extra_layouts(&self) -> Vec<Layout> {
        type List =
            unsafe extern "C" fn(sys::ggml_backend_dev_t) -> *mut sys::ggml_backend_buffer_type_t;
        // SAFETY: no precondition; the registry is static.
        let registry = unsafe { sys::ggml_backend_cpu_reg() };
        // SAFETY: the registry was just handed out, the name ends with a zero.
        let list = unsafe { sys::ggml_backend_reg_get_proc_address(registry, EXTRA.as_ptr()) };
        if list.is_null() {
            return vec![];
        }
        // SAFETY: under this name ggml hands out a function of type
        // `ggml_backend_dev_get_extra_bufts_t`, which is `List`.
        let list = unsafe { std::mem::transmute::<*mut c_void, List>(list) };
        // SAFETY: the device of the registry is the one that the list is asked of.
        let mut next = unsafe { list(self.device()) };
        let mut layouts = vec![];
        // SAFETY: the list is an array in static memory that ends with a null pointer; `next` has
        // not passed it.
        while let Some(kind) = (!next.is_null()).then(|| NonNull::new(unsafe { *next })).flatten() {
            // SAFETY: the type was just handed out.
            let name = unsafe { sys::ggml_backend_buft_name(kind.as_ptr()) };
            // SAFETY: names are static.
            let name = unsafe { text(name) };
            layouts.push(Layout { name: format!("ggml {name}"), kind });
            // SAFETY: the element was not the last one.
            next = unsafe { next.add(1) };
        }
        layouts
    }

    /// Lets the threads sleep until the next product. Left alone, they would look for work for a
    /// good part of a second, and take the processors from whoever is next.
    fn rest(&self) {
        // SAFETY: the threads are alive, and this thread, which alone uses them, is here.
        unsafe { sys::ggml_threadpool_pause(self.threads.as_ptr()) };
    }

    fn device(&self) -> sys::ggml_backend_dev_t {
        // SAFETY: the backend is alive; its device is static.
        unsafe { sys::ggml_backend_get_device(self.backend.as_ptr()) }
    }
}

impl Drop for Ggml {
    fn drop(&mut self) {
        // SAFETY: the backend is alive, and nobody uses it after this: weights borrow `self`.
        unsafe { sys::ggml_backend_free(self.backend.as_ptr()) };
        // SAFETY: the threads are alive, and who used them is gone.
        unsafe { sys::ggml_threadpool_free(self.threads.as_ptr()) };
    }
}

/// Which ggml this is.
pub(crate) fn version() -> String {
    // SAFETY: no precondition.
    let version = unsafe { sys::ggml_version() };
    // SAFETY: the text is static.
    let version = unsafe { text(version) };
    format!("ggml {version}{}", if NATIVE { "" } else { " (not built for this machine)" })
}

/// ggml's type of a format, if ggml knows it and lays a block out in as many bytes.
pub(crate) fn type_of(format: &FormatInfo) -> Option<sys::ggml_type> {
    let kind = format.ggml_type.filter(|kind| *kind < sys::GGML_TYPE_COUNT)?;
    // SAFETY: the function reads a table of `GGML_TYPE_COUNT` rows.
    let block = unsafe { sys::ggml_blck_size(kind) };
    // SAFETY: as above.
    let bytes = unsafe { sys::ggml_type_size(kind) };
    (usize::try_from(block) == Ok(format.block_len) && bytes == format.block_bytes).then_some(kind)
}

/// llama.cpp and ggml tell of every tensor that they meet; only what goes wrong is of interest.
fn silence() {
    unsafe extern "C" fn log(level: sys::ggml_log_level, line: *const c_char, _: *mut c_void) {
        if matches!(level, sys::GGML_LOG_LEVEL_WARN | sys::GGML_LOG_LEVEL_ERROR) {
            // SAFETY: the line is a text of ggml's, alive during this call.
            eprint!("{}", unsafe { text(line) });
        }
    }
    // SAFETY: the callback may be called at any time from any thread; it has no state.
    unsafe { sys::llama_log_set(Some(log), std::ptr::null_mut()) };
}

/// A text of ggml's; nothing if there is none.
///
/// # Safety
/// The pointer is null, or to a text that ends with a zero and is not changed meanwhile.
unsafe fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: not null, and otherwise what the caller promises.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}
