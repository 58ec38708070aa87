import TensorEngine

/// A part of a model, such as a block, that can be run again instead of being kept for its gradient.
public struct Checkpointed<Part: Sendable>: Sendable {
    public let part: Part
    /// The places of its parameters in the model's layout.
    private let parameters: Range<Int>

    /// - Parameters:
    ///   - scope: where the part declares what it holds.
    ///   - declare: makes the part and declares all its parameters.
    public init(_ scope: Scope, _ declare: (Scope) throws -> Part) rethrows {
        let first = scope.builder.layout.parameters.count
        part = try declare(scope)
        parameters = first..<scope.builder.layout.parameters.count
    }

    /// Applies the part, by `recompute` where the context asks for it.
    ///
    /// - Parameters:
    ///   - inputs: all that `body` depends on besides the part's own parameters.
    ///   - context: of the whole model.
    ///   - body: a function of its arguments alone.
    public func callAsFunction(
        _ inputs: [Tensor], _ context: ForwardContext,
        _ body: @escaping @Sendable (Part, [Tensor], ForwardContext) throws -> Tensor
    ) throws -> Tensor {
        guard context.checkpointing else { return try body(part, inputs, context) }
        var constants = context
        constants.state.parameters = context.state.parameters.map(\.detached)
        let count = inputs.count
        return try recompute(inputs + context.state.parameters[parameters]) { [constants] values in
            var context = constants
            context.state.parameters.replaceSubrange(parameters, with: values[count...])
            return [try body(part, Array(values[..<count]), context)]
        }[0]
    }
}
