//! Whole models by llama.cpp.

use std::ffi::{CString, c_int};
use std::path::Path;
use std::ptr::NonNull;

use anyhow::{Context as _, ensure};
use llama_cpp_sys_2 as sys;

use super::Ggml;
use crate::model::Engine;

/// A model and one sequence of tokens.
pub(crate) struct Llama<'g> {
    ggml: &'g Ggml,
    model: NonNull<sys::llama_model>,
    context: NonNull<sys::llama_context>,
    vocabulary: usize,
}

impl<'g> Llama<'g> {
    /// Loads a GGUF file as llama.cpp does by default (repacking what it can), with room for so
    /// many tokens.
    pub(crate) fn load(
        ggml: &'g Ggml,
        path: &Path,
        threads: usize,
        tokens: usize,
    ) -> anyhow::Result<Self> {
        // SAFETY: no precondition; more than one call does no harm.
        unsafe { sys::llama_backend_init() };
        let name = CString::new(path.as_os_str().as_encoded_bytes())?;
        // SAFETY: no precondition.
        let mut params = unsafe { sys::llama_model_default_params() };
        params.n_gpu_layers = 0;
        // SAFETY: the name ends with a zero, the parameters are llama.cpp's own defaults.
        let model = unsafe { sys::llama_model_load_from_file(name.as_ptr(), params) };
        let model = NonNull::new(model).context("llama.cpp does not load it")?;
        // SAFETY: the model is alive, and so long is its vocabulary.
        let vocabulary = unsafe { sys::llama_model_get_vocab(model.as_ptr()) };
        // SAFETY: the vocabulary was just handed out.
        let vocabulary = unsafe { sys::llama_vocab_n_tokens(vocabulary) };
        // SAFETY: no precondition.
        let mut params = unsafe { sys::llama_context_default_params() };
        params.n_ctx = u32::try_from(tokens)?;
        params.n_batch = params.n_ctx;
        params.n_threads = c_int::try_from(threads)?;
        params.n_threads_batch = params.n_threads;
        // SAFETY: the model is alive, the parameters are llama.cpp's own defaults but for sizes.
        let context = unsafe { sys::llama_init_from_model(model.as_ptr(), params) };
        let Some(context) = NonNull::new(context) else {
            // SAFETY: the model is alive, and nothing refers to it.
            unsafe { sys::llama_model_free(model.as_ptr()) };
            anyhow::bail!("llama.cpp makes no context of {tokens} tokens");
        };
        let threads = ggml.threads.as_ptr();
        // SAFETY: context and threads are alive; the threads are borrowed for as long as `Self`.
        unsafe { sys::llama_attach_threadpool(context.as_ptr(), threads, threads) };
        Ok(Self { ggml, model, context, vocabulary: usize::try_from(vocabulary)? })
    }
}

impl Engine for Llama<'_> {
    fn name(&self) -> &str {
        "llama.cpp"
    }

    fn clear(&mut self) {
        // SAFETY: the context is alive.
        let memory = unsafe { sys::llama_get_memory(self.context.as_ptr()) };
        // SAFETY: the memory is the context's.
        unsafe { sys::llama_memory_clear(memory, true) };
    }

    fn take(&mut self, tokens: &[u32]) -> anyhow::Result<Vec<f32>> {
        let mut tokens: Vec<sys::llama_token> =
            tokens.iter().map(|token| Ok(i32::try_from(*token)?)).collect::<anyhow::Result<_>>()?;
        let count = i32::try_from(tokens.len())?;
        // SAFETY: the pointer is to `count` tokens, which outlive the batch.
        let batch = unsafe { sys::llama_batch_get_one(tokens.as_mut_ptr(), count) };
        // SAFETY: the context is alive, the batch's tokens are.
        let status = unsafe { sys::llama_decode(self.context.as_ptr(), batch) };
        ensure!(status == 0, "llama.cpp's status {status}");
        // SAFETY: the context is alive; -1 is the last token, the one that has logits.
        let logits = unsafe { sys::llama_get_logits_ith(self.context.as_ptr(), -1) };
        let logits = NonNull::new(logits).context("no logits")?;
        // SAFETY: llama.cpp has a number for each token of the vocabulary, until its next call.
        Ok(unsafe { std::slice::from_raw_parts(logits.as_ptr(), self.vocabulary) }.to_vec())
    }

    fn rest(&mut self) {
        self.ggml.rest();
    }
}

impl Drop for Llama<'_> {
    fn drop(&mut self) {
        // SAFETY: the context is alive and not used any more.
        unsafe { sys::llama_free(self.context.as_ptr()) };
        // SAFETY: the model is alive, and its context is gone.
        unsafe { sys::llama_model_free(self.model.as_ptr()) };
    }
}
