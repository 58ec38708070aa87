/// Throws a `TensorError` that names both backends unless all tensors are of one.
func requireOneBackend(_ operation: String, _ first: Tensor, _ others: Tensor?...) throws {
    try requireOneBackend(operation, first, others)
}

/// Throws a `TensorError` that names both backends unless all tensors are of one.
func requireOneBackend(_ operation: String, _ first: Tensor, _ others: [Tensor?]) throws {
    for case let other? in others where other.backend !== first.backend {
        throw TensorError(
            operation,
            "operands of two backends, \(first.backend.summary) and \(other.backend.summary); expected one")
    }
}
