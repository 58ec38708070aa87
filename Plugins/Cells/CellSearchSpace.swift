import ErrataCore
import NeuralNetworks
import TensorEngine

/// The space of DARTS (Liu, Simonyan and Yang, 2019) and its relatives: cells of two inputs and some nodes, each edge a
/// mixture of candidate operations, with one set of architecture parameters for all normal and one for all reduction
/// cells; with the partial channels and edge weights of PC-DARTS (Xu et al., 2020) and the stages of P-DARTS (Chen et
/// al., 2019), in any combination.
public struct CellSearchSpace: SearchSpace {
    public let settings: CellSpaceSettings
    private let operations: [CellOperation]
    private let stage: Int
    /// What the edges of this stage choose from.
    public let candidates: [CellKind: CandidateEdges]

    /// - Parameters:
    ///   - settings: the supernet's size and candidates.
    ///   - operations: what edges choose from where `settings.operations` is nil. It may name these and
    ///     `CellOperation.library`'s, and so may a genotype that is evaluated.
    /// - Throws: `ConfigurationErrors` if the settings name other operations; `SettingError` if they do not go
    ///   together.
    public init(_ settings: CellSpaceSettings = .init(), operations: [CellOperation] = CellOperation.darts)
        throws
    {
        let known =
            operations
            + CellOperation.library.filter { other in !operations.contains { $0.name == other.name } }
        let named = settings.operations ?? .same(operations.map { OperationName($0.name) })
        let candidates = try Dictionary(
            uniqueKeysWithValues: CellKind.allCases.map { kind in
                (
                    kind,
                    try named.candidates(
                        kind, nodes: settings.nodes, among: known, relaxation: settings.relaxation.product)
                )
            })
        try Self.check(settings, candidates)
        self.init(settings, known, stage: 0, candidates)
    }

    private init(
        _ settings: CellSpaceSettings, _ operations: [CellOperation], stage: Int,
        _ candidates: [CellKind: CandidateEdges]
    ) {
        self.settings = settings
        self.operations = operations
        self.stage = stage
        self.candidates = candidates
    }

    private static func check(_ settings: CellSpaceSettings, _ candidates: [CellKind: CandidateEdges]) throws
    {
        let normal = candidates[.normal]!
        var left = normal.shape[1]
        let reduction = candidates[.reduction]!.shape[1]
        guard reduction == left else {
            throw SettingError(
                "search_space.operations",
                "\(left) on each edge of normal cells and \(reduction) of reduction cells, expected as many")
        }
        for (index, stage) in settings.stages.enumerated() {
            let setting = "search_space.stages[\(index)]"
            guard (settings.channels + stage.addedChannels) % settings.partialChannels == 0 else {
                throw SettingError(
                    "search_space.partial_channels",
                    "\(settings.channels + stage.addedChannels) channels do not divide into \(settings.partialChannels) "
                        + "parts, expected a divisor")
            }
            let count = stage.candidates ?? left
            guard index == 0 ? count == left : count <= left else {
                throw SettingError(
                    "\(setting).candidates",
                    index == 0
                        ? "\(count), but the first stage chooses from all \(left) operations; 'operations' names fewer"
                        : "\(count), more than the \(left) of the stage before")
            }
            left = count
        }
        let computing = left - (normal.edges.joined().allSatisfy(\.computes) ? 0 : 1)
        guard settings.normalSkips == nil || computing >= 2 else {
            throw SettingError(
                "search_space.normal_skips",
                "an edge has \(computing) operations that compute at the end, expected at least 2, so that another can "
                    + "take a skip connection's place")
        }
    }

    /// What this stage searches.
    private var current: CellSpaceStage { settings.stages[stage] }

    /// α [edges, candidates] of each kind of cells, then, where edges have weights, β [edges] of each.
    public var architecture: ModelLayout {
        let builder = LayoutBuilder()
        let normal = Initializer.normal(mean: 0, deviation: settings.initialDeviation)
        for kind in CellKind.allCases {
            _ = builder.root.parameter(
                kind.rawValue, candidates[kind]!.shape, settings.relaxation.product.initializer ?? normal)
        }
        if settings.edgeWeights {
            for kind in CellKind.allCases {
                _ = builder.root.parameter(
                    "\(kind.rawValue)_edges", [candidates[kind]!.edges.count], normal)
            }
        }
        return builder.layout
    }

    /// - Throws: `SettingError` if there are too few cells to have both kinds.
    public func supernet(for images: ImageSpecification) throws -> any Supernet {
        let stage = current
        let stack = CellStack(
            channels: settings.channels + stage.addedChannels, cells: settings.cells + stage.addedCells,
            stem: settings.stem, stemMultiplier: settings.stemMultiplier,
            concatenated: { _ in settings.nodes })
        try stack.require(in: "search_space")
        let candidates = try candidates.mapValues { edges in
            try edges.mapping {
                $0.droppingSkips(rate: stage.skipDropout)
                    .followed(by: settings.relaxation.product.transformation(of: $0.name))
            }
        }
        let backbone = CellBackbone(
            stack, imageChannels: images.channels,
            cell: { scope, cell in
                SearchCell(
                    scope, cell, candidates[cell.kind]!, parts: settings.partialChannels)
            },
            mixing: mixing)
        return CellSupernet(backbone, classes: images.classes, relaxation: settings.relaxation.product)
    }

    /// From A to the weights of each node: of its operations and, where channels pass by them, of its edges.
    @Sendable private func mixing(_ architecture: [Tensor], _ context: ForwardContext) throws
        -> [CellKind: [NodeWeights]]
    {
        var mixing: [CellKind: [NodeWeights]] = [:]
        for kind in CellKind.allCases {
            let (alpha, beta) = parameters(architecture, kind)
            let edges = try beta.map(candidates[kind]!.edgeWeights)
            var pass = RelaxationPass(context, kind.rawValue)
            pass.perturbation = perturbation(architecture, kind)
            let weights = try candidates[kind]!.weights(alpha, edgeWeights: edges, in: pass)
            if let edges, settings.partialChannels > 1 {
                mixing[kind] = try zip(weights, edges).map {
                    NodeWeights(try .concatenated([$0.tensor, $1], axis: 0), running: $0.running)
                }
            } else {
                mixing[kind] = weights
            }
        }
        return mixing
    }

    /// What the relaxation adds to A's objective.
    public func penalty(_ architecture: [Tensor], at time: TrainingTime) throws -> Tensor? {
        try settings.relaxation.product.penalty(
            CellKind.allCases.map { parameters(architecture, $0).alpha }, at: time)
    }

    /// What stands behind A: what an adversary adds to the weights of a kind of cells.
    private func perturbation(_ architecture: [Tensor], _ kind: CellKind) -> Tensor? {
        let kinds = CellKind.allCases
        let own = settings.edgeWeights ? 2 * kinds.count : kinds.count
        return architecture.count > own ? architecture[own + kinds.firstIndex(of: kind)!] : nil
    }

    /// α and β of a kind of cells.
    private func parameters(_ architecture: [Tensor], _ kind: CellKind) -> (alpha: Tensor, beta: Tensor?) {
        let index = kind == .normal ? 0 : 1
        return (architecture[index], settings.edgeWeights ? architecture[2 + index] : nil)
    }

    /// DARTS, section 2.4: for each node the two edges whose best operation is strongest, `none` left out; with
    /// at most `settings.normalSkips` skip connections in the normal cell.
    public func genotype(of architecture: [Tensor]) throws -> CellGenotype {
        try genotype(of: architecture, normalSkips: settings.normalSkips)
    }

    /// - Parameters:
    ///   - architecture: A.
    ///   - normalSkips: how many skip connections the normal cell has at most; nil for any number.
    public func genotype(of architecture: [Tensor], normalSkips: Int?) throws -> CellGenotype {
        func cell(_ kind: CellKind) throws -> CellGenotype.Cell {
            let (alpha, beta) = parameters(architecture, kind)
            return try candidates[kind]!.cell(
                alpha, beta: beta, skips: kind == .normal ? normalSkips : nil)
        }
        return CellGenotype(normal: try cell(.normal), reduction: try cell(.reduction))
    }

    /// Where skip connections are capped, a genotype for every cap below the number found (Chen et al., 2019).
    public func alternatives(of architecture: [Tensor]) throws -> [(name: String, genotype: CellGenotype)] {
        guard settings.normalSkips != nil, stage == stages - 1 else { return [] }
        let free = try genotype(of: architecture, normalSkips: nil)
        return try (0..<free.normal.skips).map { cap in
            ("skips-\(cap)", try genotype(of: architecture, normalSkips: cap))
        }
    }

    public var published: [(name: String, genotype: CellGenotype)] { CellGenotype.published }

    public func network(
        _ genotype: CellGenotype, _ network: CellNetworkSettings, for images: ImageSpecification
    ) throws -> any Network {
        try DerivedNetwork(
            genotype, operations: operations, network, stemMultiplier: settings.stemMultiplier, for: images)
    }

    public var signs: [MetricDeclaration] { CollapseSigns.declarations }

    public func signs(of architecture: [Tensor]) throws -> [String: Double] {
        try CollapseSigns.values(genotype(of: architecture, normalSkips: nil)) { kind in
            try candidates[kind]!.entropy(parameters(architecture, kind).alpha)
        }
    }

    public func rankings(of architecture: [Tensor]) throws -> [[Int]] {
        try CellKind.allCases.flatMap { kind in
            try candidates[kind]!.rankings(parameters(architecture, kind).alpha)
        }
    }

    // MARK: Stages

    public var stages: Int { settings.stages.count }

    /// The space of the next stage: every edge keeps its strongest candidates.
    public func next(after architecture: [Tensor]) throws -> CellSearchSpace? {
        guard stage + 1 < stages else { return nil }
        let count = settings.stages[stage + 1].candidates
        return CellSearchSpace(
            settings, operations, stage: stage + 1,
            try candidates.reduce(into: [:]) { kept, entry in
                let (kind, edges) = entry
                kept[kind] = try edges.keeping(
                    count ?? edges.shape[1], strongestIn: parameters(architecture, kind).alpha)
            })
    }

    public var narrowing: ConfigurationValue? {
        guard stage > 0 else { return nil }
        return Narrowing(
            stage: stage, normal: candidates[.normal]!.edges.map { $0.map(\.name) },
            reduction: candidates[.reduction]!.edges.map { $0.map(\.name) }
        ).encoded
    }

    /// - Throws: `ConfigurationErrors` or `SettingError` if the narrowing is of another space.
    public func narrowed(by narrowing: ConfigurationValue) throws -> CellSearchSpace {
        let narrowing = try Narrowing(decoding: narrowing)
        guard narrowing.stage < stages else {
            throw SettingError("stage", "\(narrowing.stage), expected one of the \(stages) stages")
        }
        func edges(_ names: [[String]], _ edges: CandidateEdges) throws -> CandidateEdges {
            guard names.count == edges.edges.count else {
                throw SettingError(
                    "narrowing", "\(names.count) edges, expected the \(edges.edges.count) of a cell")
            }
            return try edges.replacing(
                names.map { names in
                    try OperationName.operations(names.map { OperationName($0) }, among: operations)
                })
        }
        return CellSearchSpace(
            settings, operations, stage: narrowing.stage,
            [
                .normal: try edges(narrowing.normal, candidates[.normal]!),
                .reduction: try edges(narrowing.reduction, candidates[.reduction]!),
            ])
    }
}

/// What the stages before have left of each edge.
private struct Narrowing: Configuration {
    var stage = 1
    var normal: [[String]] = []
    var reduction: [[String]] = []

    init() {}

    init(stage: Int, normal: [[String]], reduction: [[String]]) {
        self.stage = stage
        self.normal = normal
        self.reduction = reduction
    }

    static var fields: [ConfigurationField<Self>] {
        [
            .init("stage", \.stage, "the stage, from 0", .atLeast(1)),
            .init("normal", \.normal, "operations left on each edge"),
            .init("reduce", \.reduction, "operations left on each edge"),
        ]
    }
}
