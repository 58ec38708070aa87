/// An operation with a hand-written backward pass, and a composition of differentiable operations for what
/// has none.
///
/// The first derivative is the hand-written one. Where a graph of it is asked for, it is a node that keeps the inputs
/// and cotangents alone; its own gradient is `doubleBackward`, or else the composition's, which is run and
/// differentiated twice there and then. So are all higher derivatives.
///
/// - Parameters:
///   - name: what the operation is called in messages.
///   - inputs: everything the operation depends on; the closures capture no tensors.
///   - outputs: its values, which have no history.
///   - saved: whatever else `backward` needs.
///   - composed: the same function in differentiable operations.
///   - backward: a cotangent for each input, `nil` where it is not wanted or nothing flows; `nil` altogether for a case
///     that is left to the composition.
///   - doubleBackward: the gradient of `backward`, where it is worth writing by hand; `nil` for a case that is
///     left to the composition. Runs when no graph of the second derivative is asked for.
/// - Throws: `TensorError` if the inputs are of several backends.
public func fused<Saved: Sendable>(
    _ name: String, _ inputs: [Tensor], outputs: [Tensor], saved: Saved,
    composed: @escaping @Sendable ([Tensor]) throws -> [Tensor],
    backward: @escaping @Sendable (FusedBackward<Saved>) throws -> [Tensor?]?,
    doubleBackward: (@Sendable (FusedDoubleBackward<Saved>) throws -> FusedDoubleBackward<Saved>.Result?)? =
        nil
) throws -> [Tensor] {
    if let first = inputs.first { try requireOneBackend(name, first, inputs) }
    return record(name, inputs, outputs, savingInputs: Array(inputs.indices)) { context in
        let product = VectorJacobianProduct(of: composed, context)
        let first = FusedBackward(
            inputs: context.allInputs.map(\.detached), saved: saved,
            cotangents: context.cotangents.map { $0?.detached }, wanted: context.wanted, sums: context.sums)
        let found = try backward(first) ?? product.values(context)
        guard context.createGraph else { return found }
        return try product.recorded(context, found) { second, gradientCotangents in
            guard let doubleBackward, !second.createGraph else { return nil }
            let (inputs, cotangents) = product.split(second.wanted)
            return try doubleBackward(
                FusedDoubleBackward(
                    inputs: first.inputs, saved: saved, cotangents: first.cotangents,
                    gradientCotangents: gradientCotangents, wanted: inputs,
                    wantedCotangents: cotangents.map { $0 ?? false })
            ).map { product.join($0.inputs, $0.cotangents) }
        }
    }
}

/// What a fused operation's backward pass is given.
public struct FusedBackward<Saved: Sendable>: Sendable {
    public let inputs: [Tensor]
    /// What the operation saved.
    public let saved: Saved
    public let cotangents: [Tensor?]
    fileprivate let wanted: [Bool]
    let sums: CarriedCotangents?

    public func wants(_ index: Int) -> Bool { wanted[index] }
}

/// What the gradient of a fused operation's backward pass is given: the same, with the cotangents that flow to
/// what the backward pass returned.
public struct FusedDoubleBackward<Saved: Sendable>: Sendable {
    public let inputs: [Tensor]
    public let saved: Saved
    public let cotangents: [Tensor?]
    /// The cotangent of each input's gradient, `nil` where none flows.
    public let gradientCotangents: [Tensor?]
    fileprivate let wanted: [Bool]
    fileprivate let wantedCotangents: [Bool]

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
        let values = try product.values(context)
        return context.createGraph ? try product.recorded(context, values) : values
    }
}

/// The function (inputs, cotangents of outputs) → cotangents of inputs that belongs to a function `body`.
///
/// Its arguments are all inputs, then the cotangents that there are.
private struct VectorJacobianProduct: Sendable {
    private let body: @Sendable ([Tensor]) throws -> [Tensor]
    /// The inputs whose cotangents are computed.
    private let wanted: Places
    /// The outputs that have a cotangent.
    private let present: Places

    init(of body: @escaping @Sendable ([Tensor]) throws -> [Tensor], _ context: Backward) {
        self.body = body
        wanted = Places(context.wanted)
        present = Places(context.cotangents.map { $0 != nil })
    }

    /// One list of all arguments from one for each input and one for each output.
    func join<T>(_ inputs: [T], _ cotangents: [T]) -> [T] { inputs + present.taken(from: cotangents) }

    /// The inverse of `join`, with `nil` for the cotangents that there are not.
    func split<T>(_ arguments: [T]) -> (inputs: [T], cotangents: [T?]) {
        let inputs = arguments.prefix(wanted.count)
        return (Array(inputs), present.spread(arguments.dropFirst(inputs.count)))
    }

    private func arguments(_ context: Backward) -> [Tensor] {
        context.allInputs + context.cotangents.compactMap(\.self)
    }

    /// - Returns: a cotangent for each input, `nil` where it is not wanted or nothing flows.
    func callAsFunction(_ arguments: [Tensor]) throws -> [Tensor?] {
        let createGraph = arguments.contains(where: \.isDifferentiable)
        let (inputs, cotangents) = split(arguments)
        let aliases = zip(inputs, wanted.filled).map { input, isWanted in
            input.isDifferentiable ? input.alias : isWanted ? input.variable : input
        }
        let found = try reverse(
            try body(aliases), wanted.taken(from: aliases), cotangents: cotangents, createGraph: createGraph,
            boundary: aliases, releasingGraph: !createGraph)
        return wanted.spread(found).map { $0 ?? nil }
    }

    /// What it is where its node's rule runs, as constants.
    func values(_ context: Backward) throws -> [Tensor?] { try self(arguments(context).map(\.detached)) }

    /// The product as a node of its own, its values being known.
    ///
    /// - Parameter gradient: from the cotangents of the inputs' cotangents to the arguments' cotangents, where it
    ///   need not be that of `body`.
    func recorded(
        _ context: Backward, _ values: [Tensor?],
        gradient: @escaping @Sendable (Backward, [Tensor?]) throws -> [Tensor?]? = { _, _ in nil }
    ) throws -> [Tensor?] {
        let values = zip(values, wanted.filled).map { $1 ? $0 : nil }
        let flowing = Places(values.map { $0 != nil })
        let outputs = try recomputed(
            "\(context.node.name) gradient", arguments(context), values.compactMap(\.self)
        ) {
            try gradient($0, flowing.spread($0.cotangents).map { $0 ?? nil })
        } body: { arguments in
            try flowing.taken(from: Array(zip(self(arguments), arguments))).map { found, input in
                try found ?? input.filled(with: 0)
            }
        }
        return flowing.spread(outputs)
    }
}

/// The places of a list that are filled.
private struct Places: Sendable {
    let filled: [Bool]

    init(_ filled: [Bool]) { self.filled = filled }

    var count: Int { filled.count }

    /// What a whole list has in these places.
    func taken<T>(from list: [T]) -> [T] { zip(list, filled).filter(\.1).map(\.0) }

    /// A whole list from what it has in these places.
    func spread<T>(_ values: some Sequence<T>) -> [T?] {
        var rest = values.makeIterator()
        return filled.map { $0 ? rest.next() : nil }
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
