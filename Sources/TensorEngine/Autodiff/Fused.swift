/// An operation with a hand-written backward pass, and a composition of differentiable operations for what
/// has none.
///
/// The first derivative is always the hand-written one. Where a graph of it is asked for, it is a node that
/// keeps the inputs and cotangents alone; its own gradient is `doubleBackward`, or else the composition's,
/// which is run and differentiated twice there and then. So are all higher derivatives.
///
/// - Parameters:
///   - inputs: everything the operation depends on; the closures capture no tensors.
///   - composed: the same function in differentiable operations.
///   - forward: computes the outputs, and whatever else `backward` needs.
///   - backward: the inputs, what `forward` saved, the outputs' cotangents and which inputs' gradients are
///     wanted → a cotangent for each input.
///   - doubleBackward: the gradient of `backward`, where it is worth writing by hand; `nil` for a case that is
///     left to the composition. Runs when no graph of the second derivative is asked for.
public func fused(
    _ name: String, _ inputs: [Tensor],
    composed: @escaping @Sendable ([Tensor]) throws -> [Tensor],
    forward: ([Tensor]) throws -> (outputs: [Tensor], saved: [Tensor]),
    backward: @escaping @Sendable (FusedBackward) throws -> [Tensor?],
    doubleBackward: (@Sendable (FusedDoubleBackward) throws -> FusedDoubleBackward.Result?)? = nil
) throws -> [Tensor] {
    if let first = inputs.first { try requireOneBackend(name, first, inputs) }
    guard inputs.first?.backend.fusesOperations ?? true else { return try composed(inputs) }
    let (outputs, saved) = try forward(inputs.map(\.detached))
    return record(name, inputs, outputs, savingInputs: Array(inputs.indices)) { context in
        let first = FusedBackward(
            inputs: context.allInputs.map(\.detached), saved: saved,
            cotangents: context.cotangents.map { $0?.detached }, wanted: context.wanted, sums: context.sums)
        let found = try backward(first)
        guard context.createGraph else { return found }
        let product = VectorJacobianProduct(of: composed, context)
        return try product.recorded(context, values: product.wanted.map { found[$0] }) { second, cotangents in
            guard let doubleBackward, !second.createGraph,
                let result = try doubleBackward(
                    FusedDoubleBackward(first, cotangents: cotangents, wanted: second.wanted))
            else { return nil }
            return result.inputs + zip(product.present, result.cotangents).filter(\.0).map(\.1)
        }
    }
}

/// What a fused operation's backward pass is given.
public struct FusedBackward: Sendable {
    public let inputs: [Tensor]
    /// What the forward pass saved.
    public let saved: [Tensor]
    public let cotangents: [Tensor?]
    let wanted: [Bool]
    let sums: CarriedCotangents?

    public func wants(_ index: Int) -> Bool { wanted[index] }
}

/// What the gradient of a fused operation's backward pass is given: the same, with the cotangents that flow to
/// what the backward pass returned.
public struct FusedDoubleBackward: Sendable {
    public let inputs: [Tensor]
    public let saved: [Tensor]
    public let cotangents: [Tensor?]
    /// The cotangent of each input's gradient, `nil` where none flows.
    public let gradientCotangents: [Tensor?]
    private let wanted: [Bool]
    private let wantedCotangents: [Bool]

    /// - Parameter arguments: whether the gradient for each of the inputs and present cotangents is asked for.
    fileprivate init(_ first: FusedBackward, cotangents: [Tensor?], wanted arguments: [Bool]) {
        inputs = first.inputs
        saved = first.saved
        self.cotangents = first.cotangents
        gradientCotangents = cotangents
        wanted = Array(arguments.prefix(inputs.count))
        var rest = arguments.dropFirst(inputs.count)
        wantedCotangents = first.cotangents.map { $0 == nil ? false : rest.removeFirst() }
    }

    /// Whether the gradient for an input is asked for.
    public func wants(_ index: Int) -> Bool { wanted[index] }

    /// Whether the gradient for the cotangent of an output is asked for.
    public func wantsCotangent(_ output: Int = 0) -> Bool { wantedCotangents[output] }

    /// A cotangent for each input, and for each output's cotangent.
    public typealias Result = (inputs: [Tensor?], cotangents: [Tensor?])
}

/// Computes a function without keeping what its gradient needs; the gradient computes it again.
///
/// Differentiable to any order, and closed under differentiation: a gradient whose graph is asked for is a
/// recomputed function as well, of the inputs and the cotangents, so that second derivatives too hold one
/// body's graph at a time. `body` must be a function of its inputs alone: it captures no tensor that takes
/// part in differentiation, draws the same random numbers each time, and has no effects.
public func recompute(
    _ inputs: [Tensor], _ body: @escaping @Sendable ([Tensor]) throws -> [Tensor]
) throws -> [Tensor] {
    try recomputed("recompute", inputs, try body(inputs.map(\.detached)), body: body)
}

/// Outputs of `body` that are known already, as a node whose gradient runs it again, unless it is known otherwise.
private func recomputed(
    _ name: String, _ inputs: [Tensor], _ outputs: [Tensor],
    gradient: @escaping @Sendable (Backward) throws -> [Tensor?]? = { _ in nil },
    body: @escaping @Sendable ([Tensor]) throws -> [Tensor]
) throws -> [Tensor] {
    record(name, inputs, outputs, savingInputs: Array(inputs.indices)) { context in
        if let found = try gradient(context) { return found }
        let product = VectorJacobianProduct(of: body, context)
        let values = try product(product.arguments(context).map(\.detached))
        return context.createGraph
            ? try product.recorded(context, values: values) : product.spread(values)
    }
}

/// The function (inputs, cotangents of outputs) → cotangents of inputs that belongs to a function `body`.
private struct VectorJacobianProduct: Sendable {
    private let body: @Sendable ([Tensor]) throws -> [Tensor]
    private let inputCount: Int
    /// The inputs whose cotangents are computed.
    let wanted: [Int]
    /// Which of the outputs have a cotangent.
    let present: [Bool]

    init(of body: @escaping @Sendable ([Tensor]) throws -> [Tensor], _ context: Backward) {
        self.body = body
        inputCount = context.node.inputs.count
        wanted = (0..<inputCount).filter(context.wants)
        present = context.cotangents.map { $0 != nil }
    }

    func arguments(_ context: Backward) -> [Tensor] {
        context.allInputs + context.cotangents.compactMap(\.self)
    }

    /// - Returns: the wanted cotangents, `nil` where nothing flows.
    func callAsFunction(_ arguments: [Tensor]) throws -> [Tensor?] {
        let createGraph = arguments.contains(where: \.isDifferentiable)
        var aliases = arguments.prefix(inputCount).map { $0.isDifferentiable ? $0.alias : $0 }
        for index in wanted where !aliases[index].isDifferentiable {
            aliases[index] = aliases[index].variable
        }
        var rest = arguments.dropFirst(inputCount)
        return try reverse(
            try body(aliases), wanted.map { aliases[$0] },
            cotangents: present.map { $0 ? rest.removeFirst() : nil }, createGraph: createGraph,
            boundary: aliases, releasingGraph: !createGraph)
    }

    /// The product's values as a node of their own.
    ///
    /// - Parameter gradient: from the cotangents of the inputs' cotangents to the arguments' cotangents, where it
    ///   need not be that of `body`.
    func recorded(
        _ context: Backward, values: [Tensor?],
        gradient: @escaping @Sendable (Backward, [Tensor?]) throws -> [Tensor?]? = { _, _ in nil }
    ) throws -> [Tensor?] {
        let flowing = values.indices.filter { values[$0] != nil }
        @Sendable func placed(_ outputs: [Tensor?]) -> [Tensor?] {
            var result = [Tensor?](repeating: nil, count: inputCount)
            for (index, output) in zip(flowing, outputs) { result[wanted[index]] = output }
            return result
        }
        let outputs = try recomputed(
            "\(context.node.name) gradient", arguments(context), values.compactMap(\.self)
        ) {
            try gradient($0, placed($0.cotangents))
        } body: { arguments in
            let found = try self(arguments)
            return try flowing.map { index in
                let input = arguments[wanted[index]]
                return try found[index] ?? input.backend.full(0, input.shape, input.dtype)
            }
        }
        return placed(outputs)
    }

    /// One value for each input from one for each wanted input.
    func spread(_ values: [Tensor?]) -> [Tensor?] {
        var result = [Tensor?](repeating: nil, count: inputCount)
        for (index, value) in zip(wanted, values) { result[index] = value }
        return result
    }
}

extension Backward {
    fileprivate var allInputs: [Tensor] { node.inputs.indices.map(input) }
}

extension Tensor {
    /// The same value as a node of its own, so that a gradient can be taken with respect to this use of it.
    public var alias: Tensor {
        record("alias", [self], detached) { [$0.cotangent] }
    }
}
