/// One operation in a differentiation graph: where its inputs came from, what its rule needs, and the rule.
///
/// There is no tape: a graph is what the tensors themselves keep alive.
final class Node: @unchecked Sendable {
    let name: String
    /// One more than the largest depth among the parents: ancestors are always of smaller depth.
    let depth: Int
    /// Where each input came from; `nil` for a constant. Mutable for the iterative release alone.
    private(set) var parents: [Tensor.Origin?]
    private(set) var inputs: [Tensor?]
    let inputShapes: [Shape]
    private(set) var outputs: [Tensor]
    let outputCount: Int
    /// `nil` for a variable, and for what has been released.
    private(set) var rule: GradientRule?
    private(set) var isReleased = false

    init(
        name: String, depth: Int, parents: [Tensor.Origin?] = [], inputs: [Tensor?] = [],
        inputShapes: [Shape] = [], outputs: [Tensor] = [], outputCount: Int = 1, rule: GradientRule? = nil
    ) {
        self.name = name
        self.depth = depth
        self.parents = parents
        self.inputs = inputs
        self.inputShapes = inputShapes
        self.outputs = outputs
        self.outputCount = outputCount
        self.rule = rule
    }

    /// Lets go of what the rule needs, which cannot be applied again.
    func release() {
        isReleased = rule != nil
        inputs = []
        outputs = []
        rule = nil
    }

    /// Releases a chain of any length without recursion.
    deinit {
        var pending = parents.compactMap { $0?.node }
        parents = []
        while var node = pending.popLast() {
            guard isKnownUniquelyReferenced(&node) else { continue }
            pending.append(contentsOf: node.parents.compactMap { $0?.node })
            node.parents = []
        }
    }
}

/// From the cotangents of an operation's outputs to those of its inputs, written in differentiable
/// operations. `nil` for an input that nothing flows to.
///
/// A rule reads tensors through its `Backward` alone and captures none: a captured tensor would keep its
/// history alive and would be differentiated when no graph is wanted.
public typealias GradientRule = @Sendable (Backward) throws -> [Tensor?]

/// What a gradient rule is given.
public struct Backward {
    let node: Node
    let wanted: [Bool]
    /// The cotangent of each output, `nil` where none flowed.
    public let cotangents: [Tensor?]
    /// Whether the result is to be differentiated again: then inputs and outputs come with their history.
    public let createGraph: Bool
    /// What has flowed to the inputs so far; absent where a graph is wanted.
    let sums: CarriedCotangents?

    /// The cotangent of an operation's single output.
    public var cotangent: Tensor { cotangents[0]! }

    /// Whether the gradient of an input is asked for.
    public func wants(_ index: Int) -> Bool { wanted[index] }

    /// A saved input.
    public func input(_ index: Int) -> Tensor {
        guard let saved = node.inputs[index] else {
            fatalError("\(node.name)'s gradient rule reads input \(index), which was not saved")
        }
        return createGraph ? saved.with(origin: node.parents[index]) : saved
    }

    public func inputShape(_ index: Int) -> Shape { node.inputShapes[index] }

    /// A saved output.
    public func output(_ index: Int = 0) -> Tensor {
        createGraph
            ? node.outputs[index].with(origin: Tensor.Origin(node: node, output: index)) : node.outputs[index]
    }
}

/// Attaches a gradient rule to the outputs of an operation, where any input takes part in differentiation.
///
/// - Parameters:
///   - name: what the operation is called in messages.
///   - inputs: what the outputs were computed from.
///   - outputs: without a graph.
///   - savingInputs: the inputs whose values the rule reads.
///   - savingOutputs: whether the rule reads the outputs' values.
///   - rule: from the outputs' cotangents to those of the inputs, in their order.
/// - Returns: the outputs with their history.
public func record(
    _ name: String, _ inputs: [Tensor], _ outputs: [Tensor], savingInputs: [Int] = [],
    savingOutputs: Bool = false, rule: @escaping GradientRule
) -> [Tensor] {
    guard inputs.contains(where: \.isDifferentiable) else { return outputs }
    var saved = [Tensor?](repeating: nil, count: inputs.count)
    for index in savingInputs { saved[index] = inputs[index].detached }
    let node = Node(
        name: name, depth: 1 + inputs.reduce(0) { max($0, $1.origin?.node.depth ?? 0) },
        parents: inputs.map(\.origin), inputs: saved, inputShapes: inputs.map(\.shape),
        outputs: savingOutputs ? outputs : [], outputCount: outputs.count, rule: rule)
    return outputs.enumerated().map { index, output in
        output.dtype.isFloatingPoint
            ? output.with(origin: Tensor.Origin(node: node, output: index)) : output
    }
}

/// `record` for an operation of one output.
func record(
    _ name: String, _ inputs: [Tensor], _ output: Tensor, savingInputs: [Int] = [],
    savingOutputs: Bool = false, rule: @escaping GradientRule
) -> Tensor {
    record(
        name, inputs, [output], savingInputs: savingInputs, savingOutputs: savingOutputs, rule: rule)[0]
}
