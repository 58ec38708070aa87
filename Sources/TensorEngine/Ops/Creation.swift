extension Backend {
    /// A tensor of the given values, converted to `dtype`.
    ///
    /// - Throws: `TensorError` if the number of values is not the shape's.
    public func tensor<Element: TensorElement>(_ values: [Element], _ shape: Shape) throws -> Tensor {
        try require(
            values.count == shape.count, "tensor",
            "\(values.count) values for shape \(shape), expected \(shape.count)")
        return try values.withUnsafeBytes { try upload($0, shape, Element.dtype) }
    }

    public func zeros(_ shape: Shape, _ dtype: DType) throws -> Tensor { try full(0, shape, dtype) }
    public func ones(_ shape: Shape, _ dtype: DType) throws -> Tensor { try full(1, shape, dtype) }
}

extension Tensor {
    /// The elements in row-major order.
    ///
    /// - Throws: `TensorError` if the tensor's elements are of another type.
    public func values<Element: TensorElement>(of type: Element.Type = Element.self) throws -> [Element] {
        try require(
            dtype == Element.dtype, "values", "the tensor is \(dtype), \(Element.dtype) was asked for")
        return try [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
            try backend.download(self, into: UnsafeMutableRawBufferPointer(buffer))
            initialized = count
        }
    }

    /// The elements of a floating-point tensor as Float64.
    public func doubles() throws -> [Double] { try cast(to: .float64).values() }

    /// The value of a tensor of one element.
    ///
    /// - Throws: `TensorError` if the tensor has another number of elements.
    public func item() throws -> Double {
        try require(count == 1, "item", "the tensor has shape \(shape), expected one element")
        return try doubles()[0]
    }

    /// The elements converted to another type; differentiable between floating-point types.
    public func cast(to dtype: DType) throws -> Tensor {
        if dtype == self.dtype { return self }
        let result = try backend.cast(self, to: dtype)
        let source = self.dtype
        guard dtype.isFloatingPoint, source.isFloatingPoint else { return result }
        return record("cast", [self], result) { [try $0.cotangent.cast(to: source)] }
    }

    /// A constant of this tensor's type and shape.
    public func filled(with value: Double) throws -> Tensor { try backend.full(value, shape, dtype) }

    /// A scalar constant of this tensor's type.
    func constant(_ value: Double) throws -> Tensor { try backend.full(value, .scalar, dtype) }
}
