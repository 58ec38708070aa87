/// The weighted sum of branches that is a node of a mixed network, or of a found one: each branch takes a source
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
    /// What each image's result is multiplied by [N], a constant: which images a branch is dropped for.
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

    /// The output of each branch's stages, before their batch norms; empty where they are not kept.
    public var outputs: [[Tensor]]
    /// What each branch's batch norms normalised by.
    public var moments: [[Moments?]]

    public init(outputs: [[Tensor]], moments: [[Moments?]]) {
        self.outputs = outputs
        self.moments = moments
    }

    /// The same of other tensors.
    public func map(_ change: (Tensor) throws -> Tensor) rethrows -> MixedSumRecord {
        MixedSumRecord(
            outputs: try outputs.map { try $0.map(change) },
            moments: try moments.map {
                try $0.map { try $0.map { (try change($0.mean), try change($0.variance)) } }
            })
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
        func withRows(_ moments: [[MixedSumRecord.Moments?]]) -> [[(MixedSumRecord.Moments?, Int)]] {
            zip(moments, shapes).map { zip($0, $1).map { ($0, $1.rows) } }
        }
        let leaves = leaves
        let inputs = leaves.flat
        guard
            let (output, record) = try inputs[0].backend.mixedSum(
                self, keepingOutputs: inputs.contains(where: \.isDifferentiable))
        else {
            let (output, moments) = try composed()
            return (output, withRows(moments))
        }

        // The closures below outlive this call and must not keep the sum's tensors.
        let nothing = try inputs[0].backend.empty([0], inputs[0].dtype)
        let places = leaves.map { _ in nothing }
        let template = replacing(places)
        let outputs = try fused("mixedSum", inputs, outputs: [output], saved: record) { inputs in
            [try template.replacing(MixedLeaves(flat: inputs, like: places)).composed().output]
        } backward: { context in
            let sum = template.replacing(MixedLeaves(flat: context.inputs, like: places))
            let carried = sum.sources.indices.map { context.wants($0) ? context.sums?.take($0) : nil }
            let wants = MixedLeaves(flat: context.inputs.indices.map(context.wants), like: places)
            guard
                let gradient = try context.inputs[0].backend.mixedSumGradient(
                    sum, record: context.saved, cotangent: context.cotangents[0]!, wants: wants,
                    carried: carried)
            else {
                for (index, carried) in carried.enumerated() { context.sums?.giveBack(carried, index) }
                return nil
            }
            for index in sum.sources.indices where context.wants(index) { context.sums?.declareOwn(index) }
            let found = gradient.flat
            try require(
                found.count == context.inputs.count, "mixedSum",
                "a gradient of \(found.count) leaves from the backend, expected \(context.inputs.count)")
            return found
        } doubleBackward: { context in
            let sum = template.replacing(MixedLeaves(flat: context.inputs, like: places))
            guard let cotangent = context.cotangents[0],
                sum.branches.allSatisfy({ branch in
                    branch.imageFactors == nil && branch.normalizations.allSatisfy { $0?.affine == nil }
                })
            else { return nil }
            let found = try MixedSumDoubleBackward(
                sum, context.saved, along: MixedLeaves(flat: context.gradientCotangents, like: places),
                cotangent: cotangent,
                wants: MixedLeaves(flat: context.inputs.indices.map(context.wants), like: places))()
            return (found.gradient.flat, [found.derivative])
        }
        return (outputs[0], withRows(record.moments))
    }

    /// Everything that the sum can be differentiated in.
    public var leaves: MixedLeaves<Tensor> {
        MixedLeaves(
            sources: sources, weights: weights,
            branches: branches.map { branch in
                .init(
                    stages: branch.stages.map { .init(depthwise: $0.depthwise, pointwise: $0.pointwise) },
                    affine: branch.normalizations.map {
                        $0?.affine.map { .init(scale: $0.scale, shift: $0.shift) }
                    })
            })
    }

    /// The same sum of other sources, weights and parameters.
    public func replacing(_ leaves: MixedLeaves<Tensor>) -> MixedSum {
        var result = self
        (result.sources, result.weights) = (leaves.sources, leaves.weights)
        for (index, found) in leaves.branches.enumerated() {
            if !found.stages.isEmpty {
                result.branches[index].transform = .convolutions(
                    zip(branches[index].stages, found.stages).map {
                        ConvolutionStage(depthwise: $1.depthwise, pointwise: $1.pointwise, $0.geometry)
                    })
            }
            for (norm, affine) in found.affine.enumerated() {
                guard let affine else { continue }
                result.branches[index].normalizations[norm]?.affine = (affine.scale, affine.shift)
            }
        }
        return result
    }

    /// The same sum of other tensors, its constants included.
    public func map(_ change: (Tensor) throws -> Tensor) rethrows -> MixedSum {
        var result = replacing(try leaves.map(change))
        for index in branches.indices {
            result.branches[index].imageFactors = try branches[index].imageFactors.map(change)
            for (norm, normalization) in branches[index].normalizations.enumerated() {
                result.branches[index].normalizations[norm]?.moments = try normalization?.moments.map {
                    (try change($0.mean), try change($0.variance))
                }
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
        _ = try map { tensor in
            try requireOneBackend("mixedSum", sources[0], tensor)
            return tensor
        }
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
