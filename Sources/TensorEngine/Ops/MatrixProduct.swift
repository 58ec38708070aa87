extension Tensor {
    /// The matrix product of [M, K] and [K, N], or of batches [B, M, K] and [B, K, N]. Either operand may be
    /// taken transposed in its last two axes.
    public func matmul(
        _ other: Tensor, transposeSelf: Bool = false, transposeOther: Bool = false
    ) throws -> Tensor {
        try require(
            dtype == other.dtype && dtype.isFloatingPoint, "matmul",
            "operands are \(dtype) and \(other.dtype), expected one floating-point type")
        try require(
            shape.rank == other.shape.rank && (shape.rank == 2 || shape.rank == 3), "matmul",
            "operands of shapes \(shape) and \(other.shape), expected two matrices or two batches of matrices"
        )
        if shape.rank == 2 {
            return try reshaped(to: Shape([1] + shape.extents)).matmul(
                other.reshaped(to: Shape([1] + other.shape.extents)), transposeSelf: transposeSelf,
                transposeOther: transposeOther
            ).removingLeadingAxis()
        }
        try requireOneBackend("matmul", self, other)
        let inner = transposeSelf ? shape[1] : shape[2]
        let otherInner = transposeOther ? other.shape[2] : other.shape[1]
        try require(
            shape[0] == other.shape[0] && inner == otherInner, "matmul",
            "\(shape)\(transposeSelf ? "ᵀ" : "") by \(other.shape)\(transposeOther ? "ᵀ" : ""): "
                + "batches and inner extents must be equal")
        let result = try backend.matmul(self, other, transposeA: transposeSelf, transposeB: transposeOther)
        return record("matmul", [self, other], result, savingInputs: [0, 1]) { context in
            let g = context.cotangent
            let (a, b) = (context.input(0), context.input(1))
            return [
                context.wants(0)
                    ? transposeSelf
                        ? try b.matmul(g, transposeSelf: transposeOther, transposeOther: true)
                        : try g.matmul(b, transposeOther: !transposeOther) : nil,
                context.wants(1)
                    ? transposeOther
                        ? try g.matmul(a, transposeSelf: true, transposeOther: transposeSelf)
                        : try a.matmul(g, transposeSelf: !transposeSelf) : nil,
            ]
        }
    }

    private func removingLeadingAxis() throws -> Tensor {
        try reshaped(to: Shape(Array(shape.extents.dropFirst())))
    }
}
