extension Tensor {
    /// The same elements under another shape of the same count. One extent may be −1: whatever is left.
    public func reshaped(to target: Shape) throws -> Tensor {
        var target = target
        if let free = target.extents.firstIndex(of: -1) {
            let rest = target.extents.reduce(1) { $1 == -1 ? $0 : $0 * $1 }
            try require(
                rest > 0 && count % rest == 0, "reshape", "\(shape) cannot fill \(target)")
            var extents = target.extents
            extents[free] = count / rest
            target = Shape(extents)
        }
        if target == shape { return self }
        try require(
            target.count == count, "reshape", "\(shape) has \(count) elements, \(target) has \(target.count)")
        let source = shape
        let dense = isContiguous ? self : try backend.contiguous(self)
        let result = Tensor(
            storage: dense.storage, shape: target, dtype: dtype, offset: dense.offset)
        return record("reshape", [self], result) { [try $0.cotangent.reshaped(to: source)] }
    }

    /// Axes in another order; reversed by default.
    public func transposed(_ permutation: [Int]? = nil) throws -> Tensor {
        let permutation = permutation ?? Array((0..<shape.rank).reversed())
        try require(
            permutation.sorted() == Array(0..<shape.rank), "transpose",
            "\(permutation) is no permutation of the axes of shape \(shape)")
        if permutation == Array(0..<shape.rank) { return self }
        var inverse = permutation
        for (to, from) in permutation.enumerated() { inverse[from] = to }
        return record("transpose", [self], try backend.transpose(self, permutation)) { [inverse] in
            [try $0.cotangent.transposed(inverse)]
        }
    }

    /// Joins tensors along an axis; their other extents are equal.
    public static func concatenated(_ tensors: [Tensor], axis: Int) throws -> Tensor {
        guard let first = tensors.first else {
            throw TensorError("concatenate", "no tensors, expected at least one")
        }
        if tensors.count == 1 { return first }
        let axis = try first.axis(axis, "concatenate")
        for other in tensors.dropFirst() {
            var extents = other.shape.extents
            if other.shape.rank == first.shape.rank { extents[axis] = first.shape[axis] }
            try require(
                extents == first.shape.extents && other.dtype == first.dtype, "concatenate",
                "\(other.dtype) \(other.shape) cannot join \(first.dtype) \(first.shape) along axis \(axis)")
        }
        try requireOneBackend("concatenate", first, tensors)
        let extents = tensors.map { $0.shape[axis] }
        return record("concatenate", tensors, try first.backend.concatenate(tensors, axis: axis)) { context in
            var start = 0
            return try extents.enumerated().map { index, extent in
                defer { start += extent }
                return context.wants(index)
                    ? try context.cotangent.sliced(axis: axis, from: start, count: extent) : nil
            }
        }
    }

    /// `count` entries of an axis from `start`. A slice of channels, or of the outermost axis, is a view.
    public func sliced(axis: Int, from start: Int, count: Int) throws -> Tensor {
        let axis = try self.axis(axis, "slice")
        let extent = shape[axis]
        try require(
            start >= 0 && count > 0 && start + count <= extent, "slice",
            "\(start)..<\(start + count) of axis \(axis) of shape \(shape)")
        if count == extent { return self }
        var extents = shape.extents
        extents[axis] = count
        let result: Tensor
        if axis == shape.rank - 1, axis > 0 {
            result = Tensor(
                storage: storage, shape: Shape(extents), dtype: dtype, offset: offset + start, pitch: pitch)
        } else if axis == 0 {
            let rowsEach = shape.rank == 1 ? 1 : shape.extents[1..<(shape.rank - 1)].reduce(1, *)
            let step = shape.rank == 1 ? 1 : rowsEach * pitch
            result = Tensor(
                storage: storage, shape: Shape(extents), dtype: dtype, offset: offset + start * step,
                pitch: shape.rank == 1 ? count : pitch)
        } else {
            result = try backend.slice(self, axis: axis, from: start, count: count)
        }
        return record("slice", [self], result) {
            [try $0.cotangent.padded(axis: axis, before: start, after: extent - start - count)]
        }
    }

    /// Extends an axis with zeros.
    public func padded(axis: Int, before: Int, after: Int) throws -> Tensor {
        let axis = try self.axis(axis, "pad")
        try require(before >= 0 && after >= 0, "pad", "negative padding (\(before), \(after))")
        if before == 0, after == 0 { return self }
        let extent = shape[axis]
        let result = try backend.pad(self, axis: axis, before: before, after: after)
        return record("pad", [self], result) {
            [try $0.cotangent.sliced(axis: axis, from: before, count: extent)]
        }
    }

    /// Rows of a matrix [R, C] chosen by Int32 indices [N]: [N, C]. An embedding look-up.
    public func rows(at indices: Tensor) throws -> Tensor {
        try require(
            shape.rank == 2 && indices.shape.rank == 1 && indices.dtype == .int32, "rows",
            "a \(shape) table and \(indices.dtype) \(indices.shape) indices; expected [R, C] and int32 [N]")
        try requireOneBackend("rows", self, indices)
        let count = shape[0]
        return record("rows", [self], try backend.gatherRows(self, indices)) {
            [try $0.cotangent.scatteringRows(to: indices, of: count)]
        }
    }

    /// The adjoint of `rows(at:)`: adds row n of [N, C] to row indices[n] of a [rows, C] matrix of zeros.
    public func scatteringRows(to indices: Tensor, of rows: Int) throws -> Tensor {
        try require(
            shape.rank == 2 && indices.shape == [shape[0]] && indices.dtype == .int32, "scatterRows",
            "\(shape) by \(indices.dtype) \(indices.shape) indices; expected [N, C] and int32 [N]")
        try requireOneBackend("scatterRows", self, indices)
        return record("scatterRows", [self], try backend.scatterRows(self, indices, rows: rows)) {
            [try $0.cotangent.rows(at: indices)]
        }
    }
}
