//! Products of a weight matrix in one of ggml's layouts.

use std::ffi::c_void;
use std::ptr::NonNull;

use anyhow::{Context as _, ensure};
use llama_cpp_sys_2 as sys;

use super::{Ggml, Layout, type_of};
use crate::contest::Contestant;
use crate::weights::Matrix;

/// Nodes and leaves of a graph with one product: weights, activations, result.
const GRAPH: usize = 8;

/// Copies of a weight matrix in one layout, and the products with them.
pub(crate) struct Weights<'g> {
    ggml: &'g Ggml,
    name: String,
    shape: (usize, usize),
    products: Option<Products>,
    tensors: Vec<NonNull<sys::ggml_tensor>>,
    _buffer: Buffer,
    _context: Arena,
    turn: usize,
}

impl<'g> Weights<'g> {
    /// Brings a matrix into a layout. `None` if ggml does not have it for the format and shape.
    pub(crate) fn new(
        ggml: &'g Ggml,
        layout: &Layout,
        matrix: Matrix<'_>,
    ) -> anyhow::Result<Option<Self>> {
        let Matrix { format, rows, depth, bytes, copies } = matrix;
        ensure!(bytes.len() == format.bytes(rows, depth)?, "bytes of another shape");
        let Some(kind) = type_of(format) else { return Ok(None) };
        if !ggml.multiplies(layout, kind, (rows, depth))? {
            return Ok(None);
        }
        let context = Arena::new(copies, 0)?;
        let tensors: Vec<_> =
            (0..copies).map(|_| context.tensor(kind, depth, rows)).collect::<Result<_, _>>()?;
        // SAFETY: context and type are alive.
        let buffer = unsafe {
            sys::ggml_backend_alloc_ctx_tensors_from_buft(context.0.as_ptr(), layout.kind.as_ptr())
        };
        let buffer = Buffer(NonNull::new(buffer).context("ggml has no memory for the weights")?);
        for tensor in &tensors {
            // SAFETY: the tensor lies in the buffer; it has as many bytes as its shape asks for,
            // which were compared above.
            unsafe {
                sys::ggml_backend_tensor_set(tensor.as_ptr(), bytes.as_ptr().cast(), 0, bytes.len())
            };
        }
        Ok(Some(Self {
            ggml,
            name: layout.name.clone(),
            shape: (rows, depth),
            products: None,
            tensors,
            _buffer: buffer,
            _context: context,
            turn: 0,
        }))
    }
}

impl Ggml {
    /// Whether products with weights of a type and shape are computed in a layout. Asked as
    /// llama.cpp asks: with an empty buffer of the type.
    fn multiplies(
        &self,
        layout: &Layout,
        kind: sys::ggml_type,
        (rows, depth): (usize, usize),
    ) -> anyhow::Result<bool> {
        let context = Arena::new(3, 0)?;
        let weights = context.tensor(kind, depth, rows)?;
        let x = context.tensor(sys::GGML_TYPE_F32, depth, 1)?;
        let product = context.product(weights, x)?;
        // SAFETY: the type is alive; of no bytes there is a buffer without memory.
        let buffer = unsafe { sys::ggml_backend_buft_alloc_buffer(layout.kind.as_ptr(), 0) };
        let buffer = Buffer(NonNull::new(buffer).context("ggml has no empty buffer")?);
        // SAFETY: the tensor is alive and only this thread's.
        unsafe { (*weights.as_ptr()).buffer = buffer.0.as_ptr() };
        // SAFETY: device and node are alive; the question computes nothing.
        Ok(unsafe { sys::ggml_backend_dev_supports_op(self.device(), product.as_ptr()) })
    }
}

/// Products of each copy with the same activations, into the same memory.
struct Products {
    x: NonNull<sys::ggml_tensor>,
    out: NonNull<sys::ggml_tensor>,
    out_len: usize,
    graphs: Vec<NonNull<sys::ggml_cgraph>>,
    _buffer: Buffer,
    _context: Arena,
}

impl Products {
    fn new(weights: &Weights<'_>, batch: usize) -> anyhow::Result<Self> {
        /// What ggml aligns tensors to, at least.
        const ALIGN: usize = 128;
        let (rows, depth) = weights.shape;
        let context = Arena::new(1 + weights.tensors.len(), weights.tensors.len())?;
        let x = context.tensor(sys::GGML_TYPE_F32, depth, batch)?;
        let at = (batch * depth * size_of::<f32>()).next_multiple_of(ALIGN);
        let bytes = at + batch * rows * size_of::<f32>();
        // SAFETY: no precondition; the type is static.
        let plain = unsafe { sys::ggml_backend_cpu_buffer_type() };
        // SAFETY: the type was just handed out.
        let buffer = unsafe { sys::ggml_backend_buft_alloc_buffer(plain, bytes + ALIGN) };
        let buffer = Buffer(NonNull::new(buffer).context("ggml has no memory for activations")?);
        buffer.place(x, 0)?;
        let (mut out, mut graphs) = (None, vec![]);
        for tensor in &weights.tensors {
            let product = context.product(*tensor, x)?;
            buffer.place(product, at)?;
            graphs.push(context.graph(product)?);
            out = Some(product);
        }
        let out = out.context("no copies")?;
        Ok(Self { x, out, out_len: batch * rows, graphs, _buffer: buffer, _context: context })
    }
}

impl Contestant for Weights<'_> {
    fn name(&self) -> &str {
        &self.name
    }

    fn prepare(&mut self, x: &[f32], batch: usize) -> anyhow::Result<()> {
        ensure!(batch > 0 && x.len() == batch * self.shape.1, "activations of another shape");
        // The old ones first: they may be large.
        self.products = None;
        let products = self.products.insert(Products::new(self, batch)?);
        // SAFETY: the tensor lies in a buffer and has `batch` rows of the matrix's depth, as `x`.
        unsafe {
            sys::ggml_backend_tensor_set(
                products.x.as_ptr(),
                x.as_ptr().cast(),
                0,
                size_of_val(x),
            )
        };
        Ok(())
    }

    fn multiply(&mut self) -> anyhow::Result<()> {
        let products = self.products.as_ref().context("not prepared")?;
        self.turn = (self.turn + 1) % products.graphs.len();
        let graph = products.graphs[self.turn].as_ptr();
        // SAFETY: backend and graph are alive; the graph's tensors all lie in buffers that `self`
        // owns, and nobody else computes with them.
        let status = unsafe { sys::ggml_backend_graph_compute(self.ggml.backend.as_ptr(), graph) };
        ensure!(status == sys::GGML_STATUS_SUCCESS, "{}: ggml's status {status}", self.name);
        Ok(())
    }

    fn out(&self) -> anyhow::Result<Vec<f32>> {
        let products = self.products.as_ref().context("not prepared")?;
        let mut out = vec![0.0f32; products.out_len];
        // SAFETY: the tensor lies in a buffer and has as many elements as `out`.
        unsafe {
            sys::ggml_backend_tensor_get(
                products.out.as_ptr(),
                out.as_mut_ptr().cast(),
                0,
                size_of_val(out.as_slice()),
            )
        };
        Ok(out)
    }

    fn rest(&mut self) {
        self.ggml.rest();
    }
}

/// Memory for the descriptions of tensors and graphs, not for their elements.
struct Arena(NonNull<sys::ggml_context>);

impl Arena {
    fn new(tensors: usize, graphs: usize) -> anyhow::Result<Self> {
        // SAFETY: no precondition.
        let tensor = unsafe { sys::ggml_tensor_overhead() };
        // SAFETY: no precondition.
        let graph = unsafe { sys::ggml_graph_overhead_custom(GRAPH, false) };
        let params = sys::ggml_init_params {
            // One more: ggml aligns.
            mem_size: (tensors + 1) * tensor + (graphs + 1) * graph,
            mem_buffer: std::ptr::null_mut(),
            no_alloc: true,
        };
        // SAFETY: without a buffer given, ggml allocates its own.
        let context = NonNull::new(unsafe { sys::ggml_init(params) });
        Ok(Self(context.context("ggml has no memory for a context")?))
    }

    /// A matrix; ggml counts the elements of a row first.
    fn tensor(
        &self,
        kind: sys::ggml_type,
        depth: usize,
        rows: usize,
    ) -> anyhow::Result<NonNull<sys::ggml_tensor>> {
        let (depth, rows) = (i64::try_from(depth)?, i64::try_from(rows)?);
        // SAFETY: the context is alive, the type one that ggml has, and whole blocks make a row.
        let tensor = unsafe { sys::ggml_new_tensor_2d(self.0.as_ptr(), kind, depth, rows) };
        NonNull::new(tensor).context("ggml has no memory for a tensor")
    }

    fn product(
        &self,
        weights: NonNull<sys::ggml_tensor>,
        x: NonNull<sys::ggml_tensor>,
    ) -> anyhow::Result<NonNull<sys::ggml_tensor>> {
        // SAFETY: context and tensors are alive; the tensors' rows have the same length.
        let product =
            unsafe { sys::ggml_mul_mat(self.0.as_ptr(), weights.as_ptr(), x.as_ptr()) };
        NonNull::new(product).context("ggml has no memory for a product")
    }

    fn graph(
        &self,
        of: NonNull<sys::ggml_tensor>,
    ) -> anyhow::Result<NonNull<sys::ggml_cgraph>> {
        // SAFETY: the context is alive.
        let graph = unsafe { sys::ggml_new_graph_custom(self.0.as_ptr(), GRAPH, false) };
        let graph = NonNull::new(graph).context("ggml has no memory for a graph")?;
        // SAFETY: graph and node are alive; node and leaves are fewer than `GRAPH`.
        unsafe { sys::ggml_build_forward_expand(graph.as_ptr(), of.as_ptr()) };
        Ok(graph)
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        // SAFETY: the context is alive, and what it describes is not used any more: owners of
        // pointers into it own it, too.
        unsafe { sys::ggml_free(self.0.as_ptr()) };
    }
}

/// Memory for elements.
struct Buffer(NonNull<sys::ggml_backend_buffer>);

impl Buffer {
    /// Lets a tensor have the memory from `at` bytes on.
    fn place(&self, tensor: NonNull<sys::ggml_tensor>, at: usize) -> anyhow::Result<()> {
        // SAFETY: the buffer is alive.
        let base = unsafe { sys::ggml_backend_buffer_get_base(self.0.as_ptr()) };
        let at = base.cast::<u8>().wrapping_add(at).cast::<c_void>();
        // SAFETY: buffer and tensor are alive; that the tensor fits is asserted by ggml.
        let status =
            unsafe { sys::ggml_backend_tensor_alloc(self.0.as_ptr(), tensor.as_ptr(), at) };
        ensure!(status == sys::GGML_STATUS_SUCCESS, "ggml's status {status} of a tensor");
        Ok(())
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: the buffer is alive, and tensors in it are not used any more.
        unsafe { sys::ggml_backend_buffer_free(self.0.as_ptr()) };
    }
}
