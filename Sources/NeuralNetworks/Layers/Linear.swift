import TensorEngine

/// A fully connected layer with weights [inputs, outputs].
public struct Linear: Sendable {
    let weight: Parameter
    let bias: Parameter?

    public init(
        _ scope: Scope, inputs: Int, outputs: Int, bias: Bool = true, initializer: Initializer? = nil
    ) {
        weight = scope.parameter(
            "weight", [inputs, outputs], initializer ?? .kaimingUniform(fanIn: inputs))
        self.bias = bias ? scope.parameter("bias", [outputs], .kaimingUniform(fanIn: inputs)) : nil
    }

    /// [N, inputs] → [N, outputs].
    public func callAsFunction(_ x: Tensor, _ context: ForwardContext) throws -> Tensor {
        let y = try x.matmul(context[weight])
        return try bias.map { try y + context[$0] } ?? y
    }
}

/// A vector for each class: [classes, size].
public struct Embedding: Sendable {
    let table: Parameter

    public init(
        _ scope: Scope, classes: Int, size: Int,
        initializer: Initializer = .normal(mean: 0, deviation: 1)
    ) {
        table = scope.parameter("table", [classes, size], initializer)
    }

    /// Int32 [N] → [N, size].
    public func callAsFunction(_ labels: Tensor, _ context: ForwardContext) throws -> Tensor {
        try context[table].rows(at: labels)
    }
}
