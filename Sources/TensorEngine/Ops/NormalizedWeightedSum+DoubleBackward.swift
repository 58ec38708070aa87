/// The second derivative of the mixed operation y = Σ_k w_k·x̂_k, with x̂_k branch k, normalised or not.
///
/// Its backward pass takes the cotangent g to w_k·J_k g for the branch and ⟨g, x̂_k⟩ for w_k. With cotangents
/// u_k and v_k of those, this is the gradient of Σ_k w_k·⟨u_k, J_k g⟩ + v_k·⟨g, x̂_k⟩, in few passes over g, u_k
/// and x_k.
struct MixedDoubleBackward: Sendable {
    let branches: [MixedBranch]
    let normalizations: [Normalization?]
    /// What each branch is normalised by.
    let moments: [(mean: Tensor, variance: Tensor, factor: Tensor)?]

    func callAsFunction(_ context: FusedDoubleBackward) throws -> FusedDoubleBackward.Result? {
        guard let g = context.cotangents[0] else { return nil }
        let count = branches.count
        var toBranches: [Tensor?] = []
        var toWeights: [Tensor] = []
        var toCotangent = ChannelTerms()
        for k in 0..<count {
            let w = try context.inputs[count].sliced(axis: 0, from: k, count: 1)
            let branch = try branches[k].of(context.inputs[k]).linearized()
            let jacobian = try jacobian(k, at: branch.value)
            let ofG = try jacobian.projected(g)
            var toBranch = ChannelTerms()
            var toWeight = w.filled(with: 0)
            if let u = context.gradientCotangents[k] {
                let ofU = try jacobian.projected(branch.push(u))
                let pairing = try jacobian.pairing(ofG, ofU)
                toWeight = try pairing.value.reshaped(to: [1])
                if let gradient = pairing.gradient { try toBranch.add(gradient, times: w) }
                if context.wantsCotangent() { try toCotangent.add(jacobian.product(ofU), times: w) }
            }
            if let v = try context.gradientCotangents[count]?.sliced(axis: 0, from: k, count: 1) {
                try toBranch.add(jacobian.product(ofG), times: v)
                if context.wantsCotangent() { try toCotangent.add(jacobian.normalized(), times: v) }
            }
            toBranches.append(context.wants(k) ? toBranch.sum().map(branch.pull) : nil)
            toWeights.append(toWeight)
        }
        return (
            toBranches + [context.wants(count) ? try Tensor.concatenated(toWeights, axis: 0) : nil],
            [toCotangent.sum()]
        )
    }

    /// Of branch k's normalisation, or of none.
    private func jacobian(_ k: Int, at x: Tensor) throws -> NormalizationJacobian {
        let channels: Shape = [x.shape.channels]
        return NormalizationJacobian(
            x: x, mean: moments[k]?.mean ?? x.backend.zeros(channels, x.dtype),
            factor: moments[k]?.factor ?? x.backend.ones(channels, x.dtype),
            usesBatch: normalizations[k]?.usesBatch ?? false)
    }
}
