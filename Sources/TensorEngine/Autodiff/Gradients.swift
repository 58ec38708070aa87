/// The gradients of scalars (or of the inner products of tensors with given cotangents) by reverse mode.
///
/// - Parameters:
///   - outputs: what is differentiated; the sum over all of them.
///   - targets: with respect to what: variables or anything computed from them.
///   - cotangents: one for each output, of its shape; by default 1, for outputs of one element.
///   - createGraph: whether the gradients can be differentiated again.
///   - releasingGraph: whether the outputs' graph is given up on the way, which spares memory: no gradient can
///     be taken through it afterwards. Not together with `createGraph`.
/// - Returns: a gradient for each target, of its shape; zeros where no path leads to it.
/// - Throws: `TensorError` if an output without a cotangent has more than one element, a cotangent does not
///   fit its output, a target does not take part in differentiation, or the graph has been released.
public func gradients(
    of outputs: [Tensor], withRespectTo targets: [Tensor], cotangents: [Tensor]? = nil,
    createGraph: Bool = false, releasingGraph: Bool = false
) throws -> [Tensor] {
    try require(
        !(createGraph && releasingGraph), "gradients", "a graph cannot be released and differentiated again")
    let found = try reverse(
        outputs, targets, cotangents: try seeds(for: outputs, cotangents), createGraph: createGraph,
        boundary: [], releasingGraph: releasingGraph)
    return try zip(found, targets).map { try $0 ?? $1.backend.full(0, $1.shape, $1.dtype) }
}

/// The gradients of one scalar.
public func gradients(
    of output: Tensor, withRespectTo targets: [Tensor], createGraph: Bool = false,
    releasingGraph: Bool = false
) throws -> [Tensor] {
    try gradients(
        of: [output], withRespectTo: targets, createGraph: createGraph, releasingGraph: releasingGraph)
}

private func seeds(for outputs: [Tensor], _ cotangents: [Tensor]?) throws -> [Tensor?] {
    guard let cotangents else {
        return try outputs.map { output in
            try require(
                output.count == 1, "gradients",
                "an output of shape \(output.shape) needs a cotangent; without one, one element is expected")
            return try output.backend.full(1, output.shape, output.dtype)
        }
    }
    try require(
        cotangents.count == outputs.count, "gradients",
        "\(outputs.count) outputs but \(cotangents.count) cotangents")
    for (output, cotangent) in zip(outputs, cotangents) {
        try requireOneBackend("gradients", output, cotangent)
        try require(
            output.shape == cotangent.shape && output.dtype == cotangent.dtype, "gradients",
            "a cotangent is \(cotangent.dtype) \(cotangent.shape), expected \(output.dtype) \(output.shape)")
    }
    return cotangents
}

/// Reverse accumulation. The graph beyond the boundary is left alone, so that the cost of differentiating a
/// part of a graph does not depend on the rest of it.
func reverse(
    _ outputs: [Tensor], _ targets: [Tensor], cotangents: [Tensor?], createGraph: Bool, boundary: [Tensor],
    releasingGraph: Bool = false
) throws -> [Tensor?] {
    var targetNodes = Set<ObjectIdentifier>()
    for target in targets {
        guard let origin = target.origin else {
            throw TensorError(
                "gradients", "a target of shape \(target.shape) is a constant; expected a variable")
        }
        targetNodes.insert(ObjectIdentifier(origin.node))
    }
    let stops = Set(boundary.compactMap { $0.origin.map { ObjectIdentifier($0.node) } })
    let order = topologicalOrder(outputs, stop: stops)

    var needed = Set<ObjectIdentifier>()
    for node in order {
        let leads =
            targetNodes.contains(ObjectIdentifier(node))
            || !stops.contains(ObjectIdentifier(node))
                && node.parents.contains { $0.map { needed.contains(ObjectIdentifier($0.node)) } ?? false }
        if leads { needed.insert(ObjectIdentifier(node)) }
    }

    var accumulated = [ObjectIdentifier: [Cotangent]](minimumCapacity: needed.count)
    func accumulate(_ cotangent: Tensor, _ origin: Tensor.Origin, isOwn: Bool = false) throws {
        let id = ObjectIdentifier(origin.node)
        try accumulated[id, default: [Cotangent](repeating: Cotangent(), count: origin.node.outputCount)][
            origin.output
        ].add(cotangent, createGraph: createGraph, isOwn: isOwn)
    }
    for (output, cotangent) in zip(outputs, cotangents) {
        guard let origin = output.origin, let cotangent else { continue }
        if needed.contains(ObjectIdentifier(origin.node)) { try accumulate(cotangent, origin) }
    }

    for node in order.reversed() {
        let id = ObjectIdentifier(node)
        guard needed.contains(id), let found = accumulated.removeValue(forKey: id) else { continue }
        let slots = found.map { $0.total() }
        if targetNodes.contains(id) { accumulated[id] = slots.map { Cotangent($0) } }
        try require(
            !node.isReleased, "gradients", "the graph was released by an earlier gradient, at \(node.name)")
        guard let rule = node.rule, !stops.contains(id) else { continue }
        defer { if releasingGraph { node.release() } }
        let wanted = node.parents.map { $0.map { needed.contains(ObjectIdentifier($0.node)) } ?? false }
        let sums = CarriedCotangents { index, replacement in
            guard wanted[index], let parent = node.parents[index] else { return nil }
            return accumulated[ObjectIdentifier(parent.node)]?[parent.output].exchange(for: replacement)
        }
        let results = try rule(
            Backward(
                node: node, wanted: wanted,
                cotangents: createGraph ? slots : slots.map { $0?.detached }, createGraph: createGraph,
                sums: createGraph ? nil : sums))
        for (index, result) in results.enumerated() where wanted[index] {
            guard let result, let parent = node.parents[index] else { continue }
            assert(
                result.shape == node.inputShapes[index],
                "\(node.name): gradient \(index) is \(result.shape), its input \(node.inputShapes[index])")
            try accumulate(result, parent, isOwn: sums.own.contains(index))
        }
        sums.end()
    }
    return targets.map { target in
        target.origin.flatMap { accumulated[ObjectIdentifier($0.node)]?[$0.output].total() }
    }
}

/// What has flowed to a tensor so far, and whether nobody else has seen it, so that it may be added to in place.
public typealias CarriedCotangent = (sum: Tensor, isOwn: Bool)

/// What has flowed so far to the inputs of the node whose rule runs, when no graph is wanted. A rule that adds to
/// a sum itself spares a pass over memory.
final class CarriedCotangents: @unchecked Sendable {
    private var exchange: ((Int, CarriedCotangent?) -> CarriedCotangent?)?
    /// The inputs whose cotangents, as the rule returns them, nobody else has seen.
    fileprivate(set) var own = Set<Int>()

    fileprivate init(_ exchange: @escaping (Int, CarriedCotangent?) -> CarriedCotangent?) {
        self.exchange = exchange
    }

    /// What has flowed to an input: the cotangent that the rule returns for it has to include it.
    ///
    /// - Returns: `nil` where nothing has flowed.
    func take(_ index: Int) -> CarriedCotangent? { exchange?(index, nil) }

    /// Gives back what was taken: the rule's cotangent does not include it after all.
    func giveBack(_ carried: CarriedCotangent?, _ index: Int) {
        if let carried { _ = exchange?(index, carried) }
    }

    /// Declares that the cotangent that the rule returns is a tensor nobody else has seen.
    func declareOwn(_ index: Int) { own.insert(index) }

    fileprivate func end() { exchange = nil }
}

/// The sum of the cotangents that have flowed to one output so far.
private struct Cotangent {
    private var sum: Tensor?
    /// Whether nobody else has seen the sum, so that it may be added to in place.
    private var isOwn = false
    /// What a sum of one's own was added up from, where it is to be differentiated.
    private var terms: [Tensor.Origin?] = []

    init(_ sum: Tensor? = nil) { self.sum = sum }

    /// - Parameter isOwn: whether nobody else has seen the tensor.
    mutating func add(_ tensor: Tensor, createGraph: Bool, isOwn fresh: Bool = false) throws {
        guard let sum else {
            self.sum = tensor
            isOwn = fresh
            return
        }
        if createGraph { terms += (isOwn ? [] : [sum.origin]) + [tensor.origin] }
        if isOwn {
            try sum.backend.add(tensor, into: sum)
        } else {
            self.sum = try sum.detached + tensor.detached
            isOwn = true
        }
    }

    /// Gives the sum away; what is added next is added to the replacement, or begins a new sum.
    mutating func exchange(for replacement: CarriedCotangent?) -> CarriedCotangent? {
        defer {
            self = Cotangent(replacement?.sum)
            isOwn = replacement?.isOwn ?? false
        }
        return sum.map { ($0, isOwn) }
    }

    /// The sum, for others to keep: it is not added to afterwards.
    func total() -> Tensor? {
        guard let sum, terms.contains(where: { $0 != nil }) else { return sum }
        let count = terms.count
        let node = Node(
            name: "sum", depth: 1 + terms.reduce(0) { max($0, $1?.node.depth ?? 0) }, parents: terms,
            inputShapes: Array(repeating: sum.shape, count: count)
        ) { context in Array(repeating: context.cotangent, count: count) }
        return sum.with(origin: Tensor.Origin(node: node, output: 0))
    }
}

/// The nodes the outputs depend on, parents first, without recursion; the order depends on the graph alone.
private func topologicalOrder(_ outputs: [Tensor], stop: Set<ObjectIdentifier>) -> [Node] {
    var order: [Node] = []
    var visited = Set<ObjectIdentifier>()
    var stack: [(node: Node, next: Int)] = []
    func visit(_ node: Node) {
        if visited.insert(ObjectIdentifier(node)).inserted { stack.append((node, 0)) }
    }
    for output in outputs {
        if let node = output.origin?.node { visit(node) }
        while let (node, next) = stack.last {
            if next < node.parents.count, !stop.contains(ObjectIdentifier(node)) {
                stack[stack.count - 1].next += 1
                if let parent = node.parents[next] { visit(parent.node) }
            } else {
                order.append(node)
                stack.removeLast()
            }
        }
    }
    return order
}
