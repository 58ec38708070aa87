/// The weighted sum of branches that is a node of a search cell, or of a found one: each branch takes a source
/// through pools or convolutions, may be batch-normalised, and counts by its weight (DARTS, Eq. 2).
///
/// It is one operation so that a backend can take an image through all of it while it is in cache, share what
/// branches of one source share, and keep little for the gradient.
public struct MixedSum: Sendable {
    /// [N, H, W, C] each.
    public var sources: [Tensor]
    /// Of one shape where they end.
    public var branches: [MixedBranch]
    /// [branches]; absent weights are 1.
    public var weights: Tensor?

    public init(sources: [Tensor], branches: [MixedBranch] = [], weights: Tensor? = nil) {
        self.sources = sources
        self.branches = branches
        self.weights = weights
    }

    /// Adds a source that a branch is computed from.
    ///
    /// - Returns: its index.
    public mutating func add(source: Tensor) -> Int {
        sources.append(source)
        return sources.count - 1
    }
}

/// A branch of a mixed sum.
public struct MixedBranch: Sendable {
    public enum Transform: Sendable {
        case identity
        case maxPool(PoolingWindow)
        case averagePool(PoolingWindow)
        /// At least one.
        case convolutions([ConvolutionStage])
    }

    /// The index of what the branch is computed from.
    public var source: Int
    public var transform: Transform
    /// The batch norm after each stage of convolutions, or the one after anything else.
    public var normalizations: [Normalization?]
    /// What each image's result is multiplied by [N], a constant: drop path.
    public var imageFactors: Tensor?

    public init(
        source: Int, _ transform: Transform, normalizations: [Normalization?], imageFactors: Tensor? = nil
    ) {
        self.source = source
        self.transform = transform
        self.normalizations = normalizations
        self.imageFactors = imageFactors
    }

    public var stages: [ConvolutionStage] {
        if case .convolutions(let stages) = transform { stages } else { [] }
    }
}

/// ReLU → depthwise convolution, where there is one → pointwise convolution.
public struct ConvolutionStage: Sendable {
    /// [k, k, 1, C]
    public var depthwise: Tensor?
    /// [1, 1, C, O]
    public var pointwise: Tensor
    /// The depthwise convolution's stride, padding and dilation.
    public var geometry: ConvolutionGeometry

    public init(depthwise: Tensor? = nil, pointwise: Tensor, _ geometry: ConvolutionGeometry = .init()) {
        self.depthwise = depthwise
        self.pointwise = pointwise
        self.geometry = geometry
    }

    /// - Throws: `TensorError` if the weights do not fit each other or the input.
    func outputShape(_ input: Shape) throws -> Shape {
        var middle = input
        if let depthwise {
            middle = try depthwiseGeometry(input).outputShape(input: input, weights: depthwise.shape)
            try require(
                depthwise.shape[3] == input.channels, "mixedSum",
                "depthwise weights \(depthwise.shape) for \(input.channels) channels, expected one filter each"
            )
        }
        try require(
            pointwise.shape[0] == 1 && pointwise.shape[1] == 1, "mixedSum",
            "pointwise weights \(pointwise.shape), expected [1, 1, C, O]")
        return try ConvolutionGeometry().outputShape(input: middle, weights: pointwise.shape)
    }

    /// The depthwise convolution's geometry: one group a channel of the input.
    public func depthwiseGeometry(_ input: Shape) -> ConvolutionGeometry {
        var geometry = geometry
        geometry.groups = input.channels
        return geometry
    }
}

/// What a mixed sum computed on its way.
public struct MixedSumRecord: Sendable {
    public typealias Moments = (mean: Tensor, variance: Tensor)

    /// The output of each branch's stages, before their batch norms.
    public var outputs: [[Tensor]]
    /// What each branch's batch norms normalised by.
    public var moments: [[Moments?]]

    public init(outputs: [[Tensor]], moments: [[Moments?]]) {
        self.outputs = outputs
        self.moments = moments
    }

    fileprivate var tensors: [Tensor] {
        outputs.flatMap(\.self) + moments.joined().compactMap(\.self).flatMap { [$0.mean, $0.variance] }
    }

    fileprivate init(_ tensors: [Tensor], of sum: MixedSum) {
        var rest = tensors[...]
        outputs = sum.branches.map { $0.stages.map { _ in rest.removeFirst() } }
        moments = sum.branches.map {
            $0.normalizations.map { $0.map { _ in (rest.removeFirst(), rest.removeFirst()) } }
        }
    }
}

/// The gradients of a mixed sum; what was not asked for is absent.
public struct MixedSumGradient: Sendable {
    public var sources: [Tensor?]
    public var weights: Tensor?
    /// For each branch and stage; all absent where no parameter is wanted.
    public var stages: [[(depthwise: Tensor?, pointwise: Tensor)?]]
    /// For each branch and batch norm with γ and β.
    public var affine: [[(scale: Tensor, shift: Tensor)?]]

    public init(
        sources: [Tensor?], weights: Tensor?, stages: [[(depthwise: Tensor?, pointwise: Tensor)?]],
        affine: [[(scale: Tensor, shift: Tensor)?]]
    ) {
        self.sources = sources
        self.weights = weights
        self.stages = stages
        self.affine = affine
    }
}

/// What is wanted of a mixed sum's gradient.
public struct MixedSumWants: Sendable {
    public var sources: [Bool]
    /// What the gradient of each source is to include, and whether it may be added to in place.
    public var carried: [(sum: Tensor, isOwn: Bool)?]
    public var weights: Bool
    /// Any of the convolutions' weights, γ and β.
    public var parameters: Bool

    public init(
        sources: [Bool], carried: [(sum: Tensor, isOwn: Bool)?], weights: Bool, parameters: Bool
    ) {
        self.sources = sources
        self.carried = carried
        self.weights = weights
        self.parameters = parameters
    }
}

extension MixedSum {
    /// - Returns: [N, H', W', C'], and as constants the moments that each branch's batch norms normalised by, with
    ///   the rows they are of.
    /// - Throws: `TensorError` if the branches do not fit together.
    public func output() throws -> (
        output: Tensor, moments: [[(moments: MixedSumRecord.Moments?, rows: Int)]]
    ) {
        let shapes = try shapes()
        let leaves = leaves
        guard leaves[0].backend.fusesOperations else {
            let (output, moments) = try composed()
            return (output, zip(moments, shapes).map { zip($0, $1).map { ($0, $1.rows) } })
        }
        let keeps = leaves.contains(where: \.isDifferentiable)
        var moments: [[MixedSumRecord.Moments?]] = []
        // The closures below outlive this call and must not keep the sum's tensors.
        let nothing = try leaves[0].backend.empty([0], leaves[0].dtype)
        let template = replacing(leaves.map { _ in nothing })

        let outputs = try fused("mixedSum", leaves) { inputs in
            [try template.replacing(inputs).composed().output]
        } forward: { inputs in
            let sum = template.replacing(inputs)
            let (output, record) = try inputs[0].backend.mixedSum(sum, keepingOutputs: keeps)
            moments = record.moments
            return ([output], keeps ? record.tensors : [])
        } backward: { context in
            let sum = template.replacing(context.inputs)
            let wanted = sum.sources.indices.filter(context.wants)
            for index in wanted { context.sums?.declareOwn(index) }
            let gradient = try context.inputs[0].backend.mixedSumGradient(
                sum, record: MixedSumRecord(context.saved, of: sum), cotangent: context.cotangents[0]!,
                wants: sum.wants(
                    context.inputs.indices.map(context.wants),
                    carried: sum.sources.indices.map { wanted.contains($0) ? context.sums?.take($0) : nil }))
            return sum.leaves(of: gradient)
        } doubleBackward: { context in
            let sum = template.replacing(context.inputs)
            guard let cotangent = context.cotangents[0],
                sum.branches.allSatisfy({ branch in
                    branch.imageFactors == nil && branch.normalizations.allSatisfy { $0?.affine == nil }
                })
            else { return nil }
            let found = try MixedSumDoubleBackward(
                sum, MixedSumRecord(context.saved, of: sum), along: sum.direction(context.gradientCotangents),
                cotangent: cotangent, wants: sum.wants(context.inputs.indices.map(context.wants)))()
            return (sum.leaves(of: found.gradient), [found.derivative])
        }
        return (outputs[0], zip(moments, shapes).map { zip($0, $1).map { ($0, $1.rows) } })
    }

    /// Everything the sum can be differentiated in: sources, weights, and branch by branch the stages'
    /// convolutions and the norms' γ and β.
    private var leaves: [Tensor] {
        sources + (weights.map { [$0] } ?? [])
            + branches.flatMap { branch in
                branch.stages.flatMap { ($0.depthwise.map { [$0] } ?? []) + [$0.pointwise] }
                    + branch.normalizations.flatMap { $0?.affine.map { [$0.scale, $0.shift] } ?? [] }
            }
    }

    /// - Parameter leaves: whether the gradient for each leaf is wanted.
    private func wants(
        _ leaves: [Bool], carried: [(sum: Tensor, isOwn: Bool)?]? = nil
    ) -> MixedSumWants {
        let first = sources.count + (weights == nil ? 0 : 1)
        return MixedSumWants(
            sources: Array(leaves.prefix(sources.count)), carried: carried ?? sources.map { _ in nil },
            weights: weights != nil && leaves[sources.count],
            parameters: leaves.dropFirst(first).contains(true))
    }

    /// A direction from a value for each leaf, of a sum without γ and β.
    private func direction(_ leaves: [Tensor?]) -> MixedSumDirection {
        var rest = leaves.dropFirst(sources.count)
        return MixedSumDirection(
            sources: Array(leaves.prefix(sources.count)),
            weights: weights == nil ? nil : rest.removeFirst(),
            stages: branches.map {
                $0.stages.map { ($0.depthwise == nil ? nil : rest.removeFirst(), rest.removeFirst()) }
            })
    }

    private func leaves(of gradient: MixedSumGradient) -> [Tensor?] {
        var result = gradient.sources
        if weights != nil { result.append(gradient.weights) }
        for (index, branch) in branches.enumerated() {
            for (stage, found) in zip(branch.stages, gradient.stages[index]) {
                if stage.depthwise != nil { result.append(found?.depthwise) }
                result.append(found?.pointwise)
            }
            for (norm, found) in zip(branch.normalizations, gradient.affine[index]) where norm?.affine != nil
            {
                result += [found?.scale, found?.shift]
            }
        }
        return result
    }

    private func replacing(_ leaves: [Tensor]) -> MixedSum {
        var rest = leaves[...]
        var result = self
        for index in sources.indices { result.sources[index] = rest.removeFirst() }
        if weights != nil { result.weights = rest.removeFirst() }
        for index in branches.indices {
            if case .convolutions(var stages) = branches[index].transform {
                for stage in stages.indices {
                    if stages[stage].depthwise != nil { stages[stage].depthwise = rest.removeFirst() }
                    stages[stage].pointwise = rest.removeFirst()
                }
                result.branches[index].transform = .convolutions(stages)
            }
            for norm in branches[index].normalizations.indices
            where branches[index].normalizations[norm]?.affine != nil {
                result.branches[index].normalizations[norm]!.affine = (rest.removeFirst(), rest.removeFirst())
            }
        }
        return result
    }

    /// The sum in differentiable operations.
    private func composed() throws -> (output: Tensor, moments: [[MixedSumRecord.Moments?]]) {
        var total: Tensor?
        var moments = branches.map { $0.normalizations.map { _ in MixedSumRecord.Moments?.none } }
        for (index, branch) in branches.enumerated() {
            func normalized(_ x: Tensor, _ stage: Int) throws -> Tensor {
                guard let norm = branch.normalizations[stage] else { return x }
                let (output, found) = try x.normalized(by: norm)
                moments[index][stage] = found
                return output
            }
            var x = sources[branch.source]
            switch branch.transform {
            case .identity: x = try normalized(x, 0)
            case .maxPool(let window): x = try normalized(x.maxPool(window), 0)
            case .averagePool(let window): x = try normalized(x.averagePool(window), 0)
            case .convolutions(let stages):
                for (index, stage) in stages.enumerated() {
                    x = try x.relu()
                    if let depthwise = stage.depthwise {
                        x = try x.convolution(depthwise, stage.depthwiseGeometry(x.shape))
                    }
                    x = try normalized(x.convolution(stage.pointwise), index)
                }
            }
            if let factors = branch.imageFactors { x = try x * factors.reshaped(to: [-1, 1, 1, 1]) }
            if let weights { x = try x * weights.sliced(axis: 0, from: index, count: 1) }
            total = try total.map { try $0 + x } ?? x
        }
        return (total!, moments)
    }

    /// The shape that each branch has after each of its stages.
    private func shapes() throws -> [[Shape]] {
        try require(
            !branches.isEmpty && !sources.isEmpty, "mixedSum",
            "no branches or sources, expected at least one of each")
        for source in sources {
            try require(
                source.shape.rank == 4 && source.shape[0] == sources[0].shape[0]
                    && source.dtype == sources[0].dtype && source.dtype.isFloatingPoint, "mixedSum",
                "a source \(source.dtype) \(source.shape) beside \(sources[0].dtype) \(sources[0].shape), expected "
                    + "NHWC of one type and batch")
        }
        try requireOneBackend(
            "mixedSum", sources[0],
            leaves
                + branches.flatMap { branch in
                    [branch.imageFactors] + branch.normalizations.flatMap { $0?.vectors ?? [] }
                })
        let shapes = try branches.map(shapes)
        try require(
            shapes.allSatisfy { $0.last == shapes[0].last }, "mixedSum",
            "branches that end in shapes \(shapes.map { $0.last! }), expected one shape")
        if let weights {
            try require(
                weights.shape == [branches.count], "mixedSum",
                "weights \(weights.shape) for \(branches.count) branches")
        }
        return shapes
    }

    private func shapes(of branch: MixedBranch) throws -> [Shape] {
        try require(
            sources.indices.contains(branch.source), "mixedSum", "source \(branch.source) of \(sources.count)"
        )
        let source = sources[branch.source]
        var shapes: [Shape] = []
        switch branch.transform {
        case .identity: shapes = [source.shape]
        case .maxPool(let window), .averagePool(let window):
            try source.checkWindow("mixedSum", window)
            shapes = [window.outputShape(source.shape)]
        case .convolutions(let stages):
            try require(!stages.isEmpty, "mixedSum", "no stages of convolutions, expected at least one")
            for stage in stages { shapes.append(try stage.outputShape(shapes.last ?? source.shape)) }
        }
        try require(
            branch.normalizations.count == shapes.count, "mixedSum",
            "\(branch.normalizations.count) normalisations, expected \(shapes.count)")
        for (shape, norm) in zip(shapes, branch.normalizations) {
            for vector in norm?.vectors ?? [] {
                try require(
                    vector.shape == [shape.channels], "mixedSum",
                    "a normalisation's \(vector.shape) for \(shape.channels) channels")
            }
        }
        if let factors = branch.imageFactors {
            try require(
                factors.shape == [source.shape[0]], "mixedSum",
                "factors \(factors.shape) for \(source.shape[0]) images")
        }
        return shapes
    }
}
