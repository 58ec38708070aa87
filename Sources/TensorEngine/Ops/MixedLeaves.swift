/// One thing for each tensor that a mixed sum can be differentiated in: the tensors themselves, their gradients, whether
/// those are wanted.
public struct MixedLeaves<Leaf> {
    public var sources: [Leaf]
    /// Absent where the sum has no weights.
    public var weights: Leaf?
    public var branches: [Branch]

    public init(sources: [Leaf], weights: Leaf?, branches: [Branch]) {
        self.sources = sources
        self.weights = weights
        self.branches = branches
    }

    /// What a branch has of its own.
    public struct Branch {
        public var stages: [Stage]
        /// For each batch norm; absent where it has no γ and β.
        public var affine: [Affine?]

        public init(stages: [Stage], affine: [Affine?]) {
            self.stages = stages
            self.affine = affine
        }
    }

    /// A stage's convolutions.
    public struct Stage {
        /// Absent where the stage has no depthwise convolution.
        public var depthwise: Leaf?
        public var pointwise: Leaf

        public init(depthwise: Leaf?, pointwise: Leaf) {
            self.depthwise = depthwise
            self.pointwise = pointwise
        }
    }

    /// γ and β.
    public struct Affine {
        public var scale, shift: Leaf

        public init(scale: Leaf, shift: Leaf) {
            self.scale = scale
            self.shift = shift
        }
    }

    /// The same tree of other things; sources, weights, and branch by branch its stages and batch norms.
    public func map<Other>(_ change: (Leaf) throws -> Other) rethrows -> MixedLeaves<Other> {
        MixedLeaves<Other>(
            sources: try sources.map(change), weights: try weights.map(change),
            branches: try branches.map { branch in
                .init(
                    stages: try branch.stages.map {
                        .init(depthwise: try $0.depthwise.map(change), pointwise: try change($0.pointwise))
                    },
                    affine: try branch.affine.map {
                        try $0.map { .init(scale: try change($0.scale), shift: try change($0.shift)) }
                    })
            })
    }

    /// All leaves, in the order of `map`.
    public var flat: [Leaf] {
        var leaves: [Leaf] = []
        _ = map { leaves.append($0) }
        return leaves
    }

    /// - Parameters:
    ///   - flat: as many leaves as the other tree has, in the order of `map`.
    ///   - other: a tree of the same sum.
    public init<Other>(flat: some Sequence<Leaf>, like other: MixedLeaves<Other>) {
        var rest = flat.makeIterator()
        self = other.map { _ in rest.next()! }
    }
}

extension MixedLeaves: Sendable where Leaf: Sendable {}
extension MixedLeaves.Branch: Sendable where Leaf: Sendable {}
extension MixedLeaves.Stage: Sendable where Leaf: Sendable {}
extension MixedLeaves.Affine: Sendable where Leaf: Sendable {}

extension MixedLeaves<Bool> {
    /// Whether any of the branches' own is wanted: convolutions' weights, γ and β.
    public var parameters: Bool {
        MixedLeaves(sources: [], weights: nil, branches: branches).flat.contains(true)
    }
}
