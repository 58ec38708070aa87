/// The second derivative of [batch norm →] ReLU → depthwise D → pointwise P, y = P D m, m = relu(x̂).
///
/// Its backward pass takes the cotangent g to those of x, D and P. With cotangents u, D′ and P′ of those, this is
/// the gradient of ⟨g, ẏ⟩, ẏ = P D ṁ + P D′ m + P′ D m being y's derivative along them, for x and g: ẏ itself
/// for g, and D*P′*g + D′*P*g, which the normalisation takes on, for x.
struct SeparableDoubleBackward {
    let x: Tensor
    let block: SeparableBlock
    /// Of the block's prologue; `nil` where there is none.
    let jacobian: NormalizationJacobian?

    /// - Parameters:
    ///   - cotangent: g.
    ///   - toInput, toDepthwise, toPointwise: u, D′ and P′, `nil` for 0.
    func callAsFunction(
        _ cotangent: Tensor, toInput: Tensor?, toDepthwise: Tensor?, toPointwise: Tensor?, wantsInput: Bool,
        wantsCotangent: Bool
    ) throws -> (input: Tensor?, cotangent: Tensor?) {
        var others: [SeparableBlock] = []
        if let toDepthwise {
            var other = block
            other.depthwise = toDepthwise
            others.append(other)
        }
        if let toPointwise {
            var other = block
            other.pointwise = toPointwise
            others.append(other)
        }
        let along = try toInput.map { try jacobian?.projected($0) ?? .init(tensor: $0, means: nil) }

        var derivative: [Tensor] = []
        if wantsCotangent {
            derivative = others.map { x.backend.separableConvolution(x, $0) }
            if let along { derivative.append(try activationDerivative(along)) }
        }
        guard wantsInput else { return (nil, added(derivative)) }

        let toActivation = added(others.map { inputGradient($0, cotangent) })
        guard let jacobian else { return (toActivation, added(derivative)) }
        var toX = ChannelTerms()
        if let toActivation { try toX.add(jacobian.product(jacobian.projected(toActivation))) }
        if let along, jacobian.usesBatch {
            let first = try jacobian.projected(inputGradient(block, cotangent))
            if let gradient = try jacobian.pairing(first, along).gradient { try toX.add(gradient) }
        }
        return (toX.sum(), added(derivative))
    }

    /// P D ṁ: ẋ through the normalisation, the ReLU and both convolutions.
    private func activationDerivative(_ along: NormalizationJacobian.Projected) throws -> Tensor {
        let before = try jacobian?.product(along).sum() ?? along.tensor
        let activation =
            block.prologue.map {
                x.backend.channelAffine(x, mean: $0.mean, scale: $0.scale, shift: $0.shift, relu: false)
            } ?? x
        return try before.masked(where: activation).convolution(block.depthwise, block.geometry)
            .convolution(block.pointwise)
    }

    private func inputGradient(_ block: SeparableBlock, _ cotangent: Tensor) -> Tensor {
        x.backend.separableConvolutionGradient(
            x, block, cotangent: cotangent, wantsInput: true, wantsWeights: false
        ).input!
    }

    private func added(_ tensors: [Tensor]) -> Tensor? {
        guard let sum = tensors.first else { return nil }
        for tensor in tensors.dropFirst() { sum.backend.add(tensor, into: sum) }
        return sum
    }
}
