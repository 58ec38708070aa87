/// What a backend need not have: operations that are composed of others, or left to them.
extension Backend {
    public func synchronize() {}

    public func innerProducts(_ a: [Tensor], _ b: [Tensor]) throws -> (each: Tensor, total: Tensor) {
        let sums = try zip(a, b).map { try ($0.detached * $1.detached).sum() }
        let total = try sums.dropFirst().reduce(sums[0]) { try $0 + $1 }
        return (try Tensor.concatenated(sums.map { try $0.reshaped(to: [1]) }, axis: 0), total)
    }

    public func channelMoments(_ x: Tensor) throws -> (mean: Tensor, variance: Tensor) {
        let mean = try x.detached.channelMean()
        return (mean, try (x.detached - mean).squared().channelMean())
    }

    public func channelAffine(_ x: Tensor, mean: Tensor, scale: Tensor, shift: Tensor?, relu: Bool) throws
        -> Tensor
    {
        var y = try (x.detached - mean.detached) * scale.detached
        if let shift { y = try y + shift.detached }
        return relu ? try y.relu() : y
    }

    public func channelAffineSum(_ tensors: [Tensor], scales: [Tensor], shift: Tensor?) throws -> Tensor {
        let terms = try zip(tensors, scales).map { try $0.detached * $1.detached }
        let sum = try terms.dropFirst().reduce(terms[0]) { try $0 + $1 }
        return try shift.map { try sum + $0.detached } ?? sum
    }

    public func channelSums(_ cotangent: Tensor, _ x: Tensor, mean: Tensor) throws
        -> (sum: Tensor, product: Tensor)
    {
        let g = cotangent.detached
        return (try g.channelSum(), try (g * (x.detached - mean.detached)).channelSum())
    }

    public func channelGradient(
        _ cotangent: Tensor, _ x: Tensor, mean: Tensor, a: Tensor, b: Tensor, c: Tensor
    ) throws -> Tensor {
        try channelAffineSum(
            [cotangent, x.detached - mean.detached], scales: [a, b], shift: c)
    }

    public func mixedSum(_ sum: MixedSum, keepingOutputs: Bool) throws
        -> (output: Tensor, record: MixedSumRecord)?
    { nil }

    public func mixedSumGradient(
        _ sum: MixedSum, record: MixedSumRecord, cotangent: Tensor, wants: MixedLeaves<Bool>,
        carried: [CarriedCotangent?]
    ) throws -> MixedLeaves<Tensor?>? { nil }
}

extension Tensor {
    fileprivate func channelSum() throws -> Tensor { try sum(axes: Array(0..<(shape.rank - 1))) }
    fileprivate func channelMean() throws -> Tensor { try mean(axes: Array(0..<(shape.rank - 1))) }
}
