extension Tensor {
    /// The sum over the given axes, all by default; negative axes count from the end.
    public func sum(axes: [Int]? = nil, keepingAxes: Bool = false) throws -> Tensor {
        let axes = try resolved("sum", axes)
        if axes.isEmpty { return self }
        let inputShape = shape
        let reduced = record("sum", [self], try backend.reduce(.sum, self, axes: axes)) {
            [try $0.cotangent.broadcast(to: inputShape)]
        }
        return keepingAxes ? reduced : try reduced.removing(axes)
    }

    /// The mean over the given axes, all by default.
    public func mean(axes: [Int]? = nil, keepingAxes: Bool = false) throws -> Tensor {
        let count = try resolved("mean", axes).reduce(1) { $0 * shape[$1] }
        return try sum(axes: axes, keepingAxes: keepingAxes) * (1 / Double(count))
    }

    /// The largest element over the given axes; the gradient is shared equally among equals.
    public func max(axes: [Int]? = nil, keepingAxes: Bool = false) throws -> Tensor {
        let axes = try resolved("max", axes)
        if axes.isEmpty { return self }
        let reduced = record(
            "max", [self], try backend.reduce(.maximum, self, axes: axes), savingInputs: [0],
            savingOutputs: true
        ) { context in
            let hits = try Tensor.equal(context.input(0), context.output())
            return [try context.cotangent * (hits / hits.sum(axes: axes, keepingAxes: true))]
        }
        return keepingAxes ? reduced : try reduced.removing(axes)
    }

    /// Repeats extents of 1 (and absent leading axes) to fill `shape`.
    public func broadcast(to shape: Shape) throws -> Tensor {
        if shape == self.shape { return self }
        try require(
            Shape.broadcast(self.shape, shape) == shape, "broadcast",
            "shape \(self.shape) does not broadcast to \(shape)")
        let source = self.shape
        return record("broadcast", [self], try backend.broadcast(self, to: shape)) {
            [try $0.cotangent.summed(to: source)]
        }
    }

    /// The adjoint of `broadcast(to:)`: sums over what was repeated.
    public func summed(to shape: Shape) throws -> Tensor {
        if shape == self.shape { return self }
        return try sum(axes: shape.axesBroadcast(to: self.shape), keepingAxes: true).reshaped(to: shape)
    }

    private func resolved(_ name: String, _ axes: [Int]?) throws -> [Int] {
        guard let axes else { return Array(0..<shape.rank) }
        return try Set(axes.map { try axis($0, name) }).sorted()
    }

    private func removing(_ axes: [Int]) throws -> Tensor {
        try reshaped(
            to: Shape(shape.extents.enumerated().filter { !axes.contains($0.offset) }.map(\.element)))
    }

    /// An axis counted from the front.
    func axis(_ axis: Int, _ name: String) throws -> Int {
        let resolved = axis < 0 ? axis + shape.rank : axis
        try require(
            (0..<shape.rank).contains(resolved), name, "axis \(axis) of a tensor of shape \(shape)")
        return resolved
    }
}
