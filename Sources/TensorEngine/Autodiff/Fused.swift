/// An operation with a hand-written backward pass for the first derivative, and a composition of
/// differentiable operations for every higher one.
///
/// - Parameters:
///   - inputs: everything the operation depends on; the closures capture no tensors.
///   - composed: the same function in differentiable operations.
///   - forward: computes the outputs, and whatever else `backward` needs.
///   - backward: the inputs, what `forward` saved, the outputs' cotangents and which inputs' gradients are
///     wanted → a cotangent for each input. Runs when no graph of the gradient is asked for.
public func fused(
    _ name: String, _ inputs: [Tensor],
    composed: @escaping @Sendable ([Tensor]) throws -> [Tensor],
    forward: ([Tensor]) throws -> (outputs: [Tensor], saved: [Tensor]),
    backward: @escaping @Sendable (FusedBackward) throws -> [Tensor?]
) throws -> [Tensor] {
    let constants = inputs.map(\.detached)
    let (outputs, saved) = try forward(constants)
    return record(name, inputs, outputs, savingInputs: Array(inputs.indices)) { context in
        let inputs = context.allInputs
        guard context.createGraph else {
            return try backward(
                FusedBackward(
                    inputs: inputs, saved: saved, cotangents: context.cotangents, wanted: context.wanted))
        }
        return try pullback(composed, inputs, context)
    }
}

/// What a fused operation's backward pass is given.
public struct FusedBackward {
    public let inputs: [Tensor]
    /// What the forward pass saved.
    public let saved: [Tensor]
    public let cotangents: [Tensor?]
    let wanted: [Bool]

    public func wants(_ index: Int) -> Bool { wanted[index] }
}

/// Computes a function without keeping what its gradient needs; the gradient computes it again.
///
/// Differentiable to any order. `body` must be a function of its inputs alone: it captures no tensor that
/// takes part in differentiation, draws the same random numbers each time, and has no effects.
public func recompute(
    _ inputs: [Tensor], _ body: @escaping @Sendable ([Tensor]) throws -> [Tensor]
) throws -> [Tensor] {
    let outputs = try body(inputs.map(\.detached))
    return record("recompute", inputs, outputs, savingInputs: Array(inputs.indices)) { context in
        try pullback(body, context.allInputs, context)
    }
}

extension Backward {
    fileprivate var allInputs: [Tensor] { node.inputs.indices.map(input) }
}

/// Runs `body` on fresh variables that stand for the inputs and pulls the cotangents back through it.
private func pullback(
    _ body: ([Tensor]) throws -> [Tensor], _ inputs: [Tensor], _ context: Backward
) throws -> [Tensor?] {
    let aliases = inputs.enumerated().map { index, input in
        input.isDifferentiable ? input.alias : (context.wants(index) ? input.variable : input)
    }
    let wanted = aliases.indices.filter(context.wants)
    let found = try reverse(
        try body(aliases), wanted.map { aliases[$0] }, cotangents: context.cotangents,
        createGraph: context.createGraph, boundary: aliases)
    var result = [Tensor?](repeating: nil, count: inputs.count)
    for (index, gradient) in zip(wanted, found) { result[index] = gradient }
    return result
}

extension Tensor {
    /// The same value as a node of its own, so that a gradient can be taken with respect to this use of it.
    public var alias: Tensor {
        record("alias", [self], detached) { [$0.cotangent] }
    }
}
