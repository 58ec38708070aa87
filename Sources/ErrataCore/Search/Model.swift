import Multilevel
import NeuralNetworks
import TensorEngine

/// A model's values and what its optimiser remembers: all that its training has come to.
public struct Model: Sendable {
    public let layout: ModelLayout
    public var state: ModelState
    public var optimizer: OptimizerState
    /// The moving average of the parameters, where one is kept.
    public var average: [Tensor]?

    public init(
        layout: ModelLayout, state: ModelState, optimizer: OptimizerState = .init(), average: [Tensor]? = nil
    ) {
        self.layout = layout
        self.state = state
        self.optimizer = optimizer
        self.average = average
    }
}

/// A model that a method trains.
public struct ModelDeclaration: Sendable {
    public let id: ValueID
    public let layout: ModelLayout
    public let descent: Descent
    /// The setting that `descent` comes from, such as `optimizers.weights`: what a message about divergence names.
    public let setting: String
    /// The decay of a moving average of the parameters, which is kept as the value `averageID` after the model's
    /// level; none where absent.
    public let average: Double?
    /// Whether a search's next stage goes on with the model; else it begins anew.
    public let survivesStages: Bool

    public init(
        _ id: ValueID, layout: ModelLayout, descent: Descent, setting: String, average: Double? = nil,
        survivesStages: Bool = false
    ) {
        self.id = id
        self.layout = layout
        self.descent = descent
        self.setting = setting
        self.average = average
        self.survivesStages = survivesStages
    }

    /// The value of the moving average in a multilevel problem.
    public var averageID: ValueID { Self.averageID(of: id) }

    /// The value of a model's moving average.
    public static func averageID(of id: ValueID) -> ValueID { ValueID("\(id).average") }

    /// The model before the first step.
    ///
    /// - Throws: `TensorError` if the backend has no room for it.
    func initial(seed: UInt64, on backend: any Backend, _ dtype: DType) throws -> Model {
        let state = try layout.initialState(
            on: backend, dtype, from: RandomStream(seed: seed, "initial \(id)"))
        return Model(layout: layout, state: state, average: average == nil ? nil : state.parameters)
    }
}
