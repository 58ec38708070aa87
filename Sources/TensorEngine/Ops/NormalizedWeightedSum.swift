/// A branch of a mixed operation.
public enum MixedBranch: Sendable {
    case tensor(Tensor)
    /// A pool of a tensor. It costs less to compute again than to keep, so the sum keeps the tensor alone.
    case maxPool(Tensor, PoolingWindow)
    case averagePool(Tensor, PoolingWindow)

    /// The branch as an operation of its own.
    public func output() throws -> Tensor {
        switch self {
        case .tensor(let x): x
        case .maxPool(let x, let window): try x.maxPool(window)
        case .averagePool(let x, let window): try x.averagePool(window)
        }
    }

    /// What the branch is computed from.
    fileprivate var source: Tensor {
        switch self {
        case .tensor(let x), .maxPool(let x, _), .averagePool(let x, _): x
        }
    }

    /// The same branch of another tensor.
    func of(_ x: Tensor) -> MixedBranch {
        switch self {
        case .tensor: .tensor(x)
        case .maxPool(_, let window): .maxPool(x, window)
        case .averagePool(_, let window): .averagePool(x, window)
        }
    }

    /// The branch's value, and its derivative: from tangents of its source to its own, and from cotangents of
    /// it to its source's.
    func linearized() throws -> (value: Tensor, push: (Tensor) -> Tensor, pull: (Tensor) -> Tensor) {
        switch self {
        case .tensor(let x): return (x, { $0 }, { $0 })
        case .maxPool(let x, let window):
            let (value, positions) = x.backend.maxPool(x, window)
            return (
                value, { x.backend.gatherPositions($0, positions) },
                { x.backend.scatterPositions($0, positions, inputShape: x.shape) }
            )
        case .averagePool(let x, let window):
            return (
                x.backend.averagePool(x, window), { x.backend.averagePool($0, window) },
                { x.backend.averagePoolGradient($0, window, inputShape: x.shape) }
            )
        }
    }

    /// The branch's value, and what takes a cotangent of it to one of its source.
    fileprivate func recomputed() throws -> (value: Tensor, adjoint: (Tensor) -> Tensor) {
        switch self {
        case .tensor(let x): return (x, { $0 })
        case .maxPool(let x, let window):
            let (value, positions) = x.backend.maxPool(x, window)
            return (value, { x.backend.scatterPositions($0, positions, inputShape: x.shape) })
        case .averagePool(let x, let window):
            return (
                x.backend.averagePool(x, window),
                { x.backend.averagePoolGradient($0, window, inputShape: x.shape) }
            )
        }
    }
}

extension Tensor {
    /// Σ_k weights[k]·branch_k, where the branches marked so are batch-normalised (without γ and β) first: the
    /// mixed operation of a search cell, in one pass over its branches (DARTS, Eq. 2).
    ///
    /// - Parameters:
    ///   - branches: of one shape [..., C].
    ///   - normalizations: for each branch how it is normalised; `nil` where it is not. Affine ones are not taken.
    ///   - weights: [K], one for each branch.
    /// - Returns: the sum, and as constants the moments each branch was normalised by.
    public static func normalizedWeightedSum(
        _ branches: [MixedBranch], normalizations: [Normalization?], weights: Tensor
    ) throws -> (output: Tensor, moments: [(mean: Tensor, variance: Tensor)?]) {
        try require(
            !branches.isEmpty && normalizations.count == branches.count && weights.shape == [branches.count],
            "normalizedWeightedSum",
            "\(branches.count) branches, \(normalizations.count) normalisations and weights \(weights.shape)")
        try require(
            normalizations.allSatisfy { $0?.affine == nil }, "normalizedWeightedSum",
            "affine normalisations, expected none with γ and β")
        let values = try branches.map { try $0.of($0.source.detached).output() }
        try require(
            values.allSatisfy { $0.shape == values[0].shape && $0.dtype == values[0].dtype },
            "normalizedWeightedSum", "branches of shapes \(values.map(\.shape)), expected one shape and type")
        let count = branches.count
        let moments = try zip(values, normalizations).map { try $1?.resolvedMoments($0) }
        // The closures below outlive this call and must not keep the branches' tensors.
        let nothing = weights.backend.empty([0], weights.dtype)
        let kinds = branches.map { $0.of(nothing) }

        let outputs = try fused("normalizedWeightedSum", branches.map(\.source) + [weights]) { inputs in
            var total: Tensor?
            for k in 0..<count {
                let value = try kinds[k].of(inputs[k]).output()
                let branch = try normalizations[k]?.composed(value, scale: nil, shift: nil) ?? value
                let term = try branch * inputs[count].sliced(axis: 0, from: k, count: 1)
                total = try total.map { try $0 + term } ?? term
            }
            return [total!]
        } forward: { inputs in
            let scales = try (0..<count).map { k in
                let weight = try inputs[count].sliced(axis: 0, from: k, count: 1)
                return try moments[k].map { try $0.factor * weight }
                    ?? weight.broadcast(to: [values[k].shape.channels])
            }
            var shift: Tensor?
            for k in 0..<count {
                guard let mean = moments[k]?.mean else { continue }
                let term = try mean * scales[k]
                shift = try shift.map { try $0 - term } ?? term.negated()
            }
            return ([values[0].backend.channelAffineSum(values, scales: scales, shift: shift)], scales)
        } backward: { context in
            let g = context.cotangents[0]!
            let zero = g.backend.zeros([g.shape.channels], g.dtype)
            var results: [Tensor?] = []
            var toWeights: [Tensor] = []
            for k in 0..<count {
                let scale = context.saved[k]
                guard context.wants(count) || context.wants(k) else {
                    results.append(nil)
                    continue
                }
                let (x, adjoint) = try kinds[k].of(context.inputs[k]).recomputed()
                guard let moments = moments[k], context.wants(count) || normalizations[k]!.usesBatch else {
                    // Neither batch statistics nor a weight: no sums over the batch are needed.
                    if context.wants(count) {
                        toWeights.append(
                            try g.backend.channelSums(g, x, mean: zero, activated: nil).product.sum()
                                .reshaped(to: [1]))
                    }
                    results.append(context.wants(k) ? adjoint(try g * scale) : nil)
                    continue
                }
                let (sum, product) = g.backend.channelSums(g, x, mean: moments.mean, activated: nil)
                if context.wants(count) {
                    toWeights.append(try (product * moments.factor).sum().reshaped(to: [1]))
                }
                if !context.wants(k) {
                    results.append(nil)
                } else if normalizations[k]!.usesBatch {
                    results.append(
                        adjoint(
                            try batchNormInputGradient(
                                g, x, mean: moments.mean, factor: moments.factor, slope: scale, sum: sum,
                                product: product)))
                } else {
                    results.append(adjoint(try g * scale))
                }
            }
            return results + [context.wants(count) ? try concatenated(toWeights, axis: 0) : nil]
        } doubleBackward: {
            try MixedDoubleBackward(branches: kinds, normalizations: normalizations, moments: moments)($0)
        }
        return (outputs[0], moments.map { $0.map { ($0.mean, $0.variance) } })
    }
}
