import TensorEngine

/// A quantity that is computed between levels and read by later ones, as class weights are, or the moving average of
/// a model's weights.
public struct Coupling: Sendable {
    public let id: ValueID
    public let function: Objective
    /// Whether the quantity is differentiated; else it is a constant to every hypergradient.
    public let isDifferentiable: Bool

    public init(
        _ id: ValueID, dependencies: [Dependency], isDifferentiable: Bool = true,
        _ function: @escaping Objective.Function
    ) {
        self.id = id
        self.function = Objective(dependencies, function)
        self.isDifferentiable = isDifferentiable
    }

    /// The exponential moving average of a player's variables, moved towards where its level has brought them:
    /// decay·average + (1 − decay)·θ.
    ///
    /// - Parameters:
    ///   - id: of the average after the level.
    ///   - player: whose variables are averaged.
    ///   - average: before the level.
    ///   - decay: the weight of the old average, below 1.
    public static func movingAverage(
        _ id: ValueID, of player: ValueID, from average: [Tensor], decay: Double
    ) -> Coupling {
        Coupling(id, dependencies: [.value(player)]) { values in
            Evaluation(try zip(average, values[player]).map { try $0 * decay + $1 * (1 - decay) })
        }
    }
}
