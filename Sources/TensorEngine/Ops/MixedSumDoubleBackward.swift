/// The second derivative of a mixed sum y whose norms have no γ and β and whose images have no factors.
///
/// The backward pass takes the cotangent g to the sum's gradient. Paired with a direction that is ⟨g, ẏ⟩, with ẏ
/// the derivative of y along the direction: what is computed here is its gradient, ẏ itself for g. Each branch is
/// gone through once forwards, for values and derivatives, and once backwards. There the cotangent of a
/// derivative, as ṁ, is written p and that of a value, as m, is written q.
struct MixedSumDoubleBackward {
    let sum: MixedSum
    let record: MixedSumRecord
    /// Absent parts are 0.
    let direction: MixedLeaves<Tensor?>
    /// g.
    let cotangent: Tensor
    let wants: MixedLeaves<Bool>
    private let backend: any Backend

    init(
        _ sum: MixedSum, _ record: MixedSumRecord, along direction: MixedLeaves<Tensor?>, cotangent: Tensor,
        wants: MixedLeaves<Bool>
    ) {
        (self.sum, self.record, self.direction) = (sum, record, direction)
        (self.cotangent, self.wants) = (cotangent, wants)
        backend = cotangent.backend
    }

    /// - Returns: the gradient, and ẏ.
    func callAsFunction() throws -> (gradient: MixedLeaves<Tensor?>, derivative: Tensor?) {
        let rectified = try sum.sources.indices.map { index in
            sum.branches.contains { $0.source == index && !$0.stages.isEmpty }
                ? try backend.unary(.relu, sum.sources[index]) : nil
        }
        let rectifiedAlong = try zip(direction.sources, rectified).map { along, active in
            try along.flatMap { along in try active.map { try masked(along, $0) } }
        }
        var toSources = Totals(sum.sources.count)
        var toRectified = Totals(sum.sources.count)
        var toWeights: [Tensor] = []
        var gradient = wants.map { _ in Tensor?.none }
        var derivative = ChannelTerms()

        for (index, branch) in sum.branches.enumerated() {
            let source = branch.source
            var stages: [StagePoint] = []
            var end: (value: Tensor, along: Tensor?)
            var pull: (Tensor) throws -> Tensor = { $0 }
            switch branch.transform {
            case .identity: end = (sum.sources[source], direction.sources[source])
            case .maxPool(let window):
                let (maxima, positions) = try backend.maxPool(sum.sources[source], window)
                end = (
                    maxima, try direction.sources[source].map { try backend.gatherPositions($0, positions) }
                )
                pull = { [shape = sum.sources[source].shape] in
                    try backend.scatterPositions($0, positions, inputShape: shape)
                }
            case .averagePool(let window):
                end = (
                    try backend.averagePool(sum.sources[source], window),
                    try direction.sources[source].map { try backend.averagePool($0, window) }
                )
                pull = { [shape = sum.sources[source].shape] in
                    try backend.averagePoolGradient($0, window, inputShape: shape)
                }
            case .convolutions:
                stages = try forward(index, rectified[source]!, rectifiedAlong[source])
                end = (stages.last!.output, stages.last!.outputAlong)
            }

            let jacobian = try jacobian(index, branch.normalizations.count - 1, at: end.value)
            let (w, v) = (try weight(sum.weights, index), try weight(direction.weights ?? nil, index))
            let ofG = try jacobian.projected(cotangent)
            var q = ChannelTerms()
            var toWeight: Tensor?
            if let along = try end.along.map(jacobian.projected) {
                try derivative.add(jacobian.product(along), times: w)
                let pairing = try jacobian.pairing(ofG, along)
                toWeight = try pairing.value.reshaped(to: [1])
                if let gradient = pairing.gradient { try q.add(gradient, times: w) }
            }
            if let v {
                try derivative.add(jacobian.normalized(), times: v)
                try q.add(jacobian.product(ofG), times: v)
            }
            toWeights.append(try toWeight ?? backend.zeros([1], cotangent.dtype))
            guard wants.parameters || wants.sources.contains(true) else { continue }

            if stages.isEmpty {
                try q.sum().map { try toSources.add(pull($0), at: source) }
            } else {
                var p = ChannelTerms()
                try p.add(jacobian.product(ofG), times: w)
                let found = try backward(stages, index, p: p.sum()!, q: q.sum())
                try found.rectified.map { try toRectified.add($0, at: source) }
                gradient.branches[index].stages = found.stages
            }
        }
        for (index, total) in toRectified.values.enumerated() {
            try total.map { try toSources.add(masked($0, rectified[index]!), at: index) }
        }
        gradient.sources = toSources.values
        if wants.weights == true { gradient.weights = try Tensor.concatenated(toWeights, axis: 0) }
        return (gradient, try derivative.sum())
    }

    // MARK: One branch of convolutions

    /// A stage's values and their derivatives: m = relu(x), z = D m, o = P z.
    private struct StagePoint {
        let stage: ConvolutionStage
        let along: (depthwise: Tensor?, pointwise: Tensor?)
        let input, middle, output: Tensor
        let inputAlong, middleAlong, outputAlong: Tensor?
    }

    private func forward(_ branch: Int, _ rectified: Tensor, _ along: Tensor?) throws -> [StagePoint] {
        var (input, inputAlong) = (rectified, along)
        var points: [StagePoint] = []
        for (index, stage) in sum.branches[branch].stages.enumerated() {
            if let last = points.last {
                let jacobian = try jacobian(branch, index - 1, at: last.output)
                input = try backend.channelAffine(
                    last.output, mean: jacobian.mean, scale: jacobian.factor, shift: nil, relu: true)
                inputAlong = try last.outputAlong.flatMap {
                    try jacobian.product(jacobian.projected($0)).sum()
                }
                .map { try masked($0, input) }
            }
            let direction = direction.branches[branch].stages[index]
            let along = (depthwise: direction.depthwise ?? nil, pointwise: direction.pointwise)
            var (middle, middleAlong) = (input, inputAlong)
            if let depthwise = stage.depthwise {
                let geometry = stage.depthwiseGeometry(input.shape)
                middle = try backend.convolution(input, depthwise, geometry)
                middleAlong = try added(
                    inputAlong.map { try backend.convolution($0, depthwise, geometry) },
                    along.depthwise.map { try backend.convolution(input, $0, geometry) })
            }
            points.append(
                StagePoint(
                    stage: stage, along: along, input: input, middle: middle,
                    output: record.outputs[branch][index], inputAlong: inputAlong, middleAlong: middleAlong,
                    outputAlong: try added(
                        middleAlong.map { try backend.convolution($0, stage.pointwise, .init()) },
                        along.pointwise.map { try backend.convolution(middle, $0, .init()) })))
        }
        return points
    }

    /// - Parameters:
    ///   - p, q: of the last stage's output.
    /// - Returns: q of the first stage's rectified input, and the cotangents of the convolutions' weights.
    private func backward(_ points: [StagePoint], _ branch: Int, p: Tensor, q: Tensor?) throws
        -> (rectified: Tensor?, stages: [MixedLeaves<Tensor?>.Stage])
    {
        var (p, q) = (p, q)
        var found: [MixedLeaves<Tensor?>.Stage] = []
        for (index, point) in points.enumerated().reversed() {
            let pointwise = point.stage.pointwise
            func back(_ g: Tensor, _ weights: Tensor, _ geometry: ConvolutionGeometry, to input: Tensor)
                throws -> Tensor
            {
                try backend.convolutionInputGradient(g, weights, geometry, inputShape: input.shape)
            }
            func toWeights(
                _ weights: Tensor, _ geometry: ConvolutionGeometry, _ value: Tensor, _ along: Tensor?
            ) throws -> Tensor {
                try added(
                    q.map {
                        try backend.convolutionWeightGradient(value, $0, geometry, weightShape: weights.shape)
                    },
                    along.map {
                        try backend.convolutionWeightGradient($0, p, geometry, weightShape: weights.shape)
                    }) ?? weights.filled(with: 0)
            }
            func pullBack(
                _ weights: Tensor, _ along: Tensor?, _ geometry: ConvolutionGeometry, to input: Tensor
            ) throws {
                q = try added(
                    q.map { try back($0, weights, geometry, to: input) },
                    along.map { try back(p, $0, geometry, to: input) })
                p = try back(p, weights, geometry, to: input)
            }
            let ofPointwise =
                wants.parameters ? try toWeights(pointwise, .init(), point.middle, point.middleAlong) : nil
            try pullBack(pointwise, point.along.pointwise, .init(), to: point.middle)
            var ofDepthwise: Tensor?
            if let depthwise = point.stage.depthwise {
                let geometry = point.stage.depthwiseGeometry(point.input.shape)
                if wants.parameters {
                    ofDepthwise = try toWeights(depthwise, geometry, point.input, point.inputAlong)
                }
                try pullBack(depthwise, point.along.depthwise, geometry, to: point.input)
            }
            found.append(
                .init(depthwise: point.stage.depthwise.map { _ in ofDepthwise }, pointwise: ofPointwise))
            guard index > 0 else { break }

            let before = points[index - 1]
            let jacobian = try jacobian(branch, index - 1, at: before.output)
            let ofP = try jacobian.projected(masked(p, point.input))
            var ofOutput = ChannelTerms()
            if let q { try ofOutput.add(jacobian.product(jacobian.projected(masked(q, point.input)))) }
            if let along = try before.outputAlong.map(jacobian.projected),
                let gradient = try jacobian.pairing(ofP, along).gradient
            {
                try ofOutput.add(gradient)
            }
            q = try ofOutput.sum()
            p = try jacobian.product(ofP).sum()!
        }
        return (q, found.reversed())
    }

    // MARK: -

    /// Of a norm of a branch, or of none.
    private func jacobian(_ branch: Int, _ norm: Int, at x: Tensor) throws -> NormalizationJacobian {
        let channels: Shape = [x.shape.channels]
        guard let moments = record.moments[branch][norm],
            let normalization = sum.branches[branch].normalizations[norm]
        else {
            return NormalizationJacobian(
                x: x, mean: try backend.zeros(channels, x.dtype), factor: try backend.ones(channels, x.dtype),
                usesBatch: false)
        }
        return NormalizationJacobian(
            x: x, mean: moments.mean, factor: try normalization.factor(moments.variance),
            usesBatch: normalization.usesBatch)
    }

    private func weight(_ weights: Tensor?, _ branch: Int) throws -> Tensor? {
        try weights?.sliced(axis: 0, from: branch, count: 1)
    }

    private func masked(_ x: Tensor, _ active: Tensor) throws -> Tensor {
        try backend.binary(.mask, x, active, x.shape)
    }

    /// The sum of tensors that nobody else has seen.
    private func added(_ a: Tensor?, _ b: Tensor?) throws -> Tensor? {
        guard let a, let b else { return a ?? b }
        try backend.add(b, into: a)
        return a
    }
}

/// Sums by index, in place.
private struct Totals {
    private(set) var values: [Tensor?]

    init(_ count: Int) { values = Array(repeating: nil, count: count) }

    mutating func add(_ tensor: Tensor, at index: Int) throws {
        if let sum = values[index] { try sum.backend.add(tensor, into: sum) } else { values[index] = tensor }
    }
}
