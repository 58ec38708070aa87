import NeuralNetworks
import TensorEngine

/// Reverse mode through the steps that the levels took: through each optimiser exactly, and through each gradient
/// by second derivatives.
public struct UnrolledLevels: LevelAdjoint {
    private let secondDerivative: any SecondDerivative
    private let clip: ClipTreatment

    public init(_ secondDerivative: any SecondDerivative, clip: ClipTreatment) {
        self.secondDerivative = secondDerivative
        self.clip = clip
    }

    public func extend(_ kept: inout KeptPaths, through level: Level) {
        for _ in 0..<level.steps { _ = targets(of: level, &kept) }
    }

    public func pull(
        _ level: Level, _ trace: LevelTrace, _ kept: KeptPaths, _ cotangents: inout Cotangents
    ) throws {
        var kept = kept
        let targets = trace.steps.map { _ in self.targets(of: level, &kept) }
        var slots: [ValueID: [[Tensor]]] = [:]
        for (turns, targets) in zip(trace.steps, targets).reversed() {
            // Simultaneous players all read the values before the step, which their own cotangents are not of.
            let after = level.isSimultaneous ? turns.map { cotangents.take($0.player.id) } : []
            for (index, turn) in turns.enumerated().reversed() {
                let id = turn.player.id
                guard var own = level.isSimultaneous ? after[index] : cotangents.take(id) else { continue }
                for (step, targets) in zip(turn.steps, targets[index]).reversed() where !targets.isEmpty {
                    let before = try step.descent.pullback(
                        step.parts[0][id], gradient: step.gradient, cotangent: own,
                        slotCotangents: slots[id], clip: clip)
                    slots[id] = before.slots
                    var found = try product(turn.player, step, before.gradient, targets, trace)
                    let ofGradient = found.removeValue(forKey: .value(id))
                    own = try ofGradient.map { try before.parameters.adding($0) } ?? before.parameters
                    try cotangents.add(found, path: id.name)
                }
                if targets[index].first?.contains(.value(id)) ?? false {
                    try cotangents.add([.value(id): own], path: id.name)
                }
            }
        }
    }

    /// The second derivative of a step's objective, the mean over its parts.
    private func product(
        _ player: Player, _ step: Solution.Step, _ direction: [Tensor], _ targets: [Dependency],
        _ trace: LevelTrace
    ) throws -> [Dependency: [Tensor]] {
        var total: [Dependency: [Tensor]] = [:]
        for values in step.parts {
            let found = try secondDerivative.product(
                of: player, at: values, direction: direction, withRespectTo: targets,
                over: trace.communicator)
            total = try total.merging(found) { try $0.adding($1) }
        }
        let parts = Double(step.parts.count)
        return parts == 1 ? total : try total.mapValues { try $0.scaled(by: 1 / parts) }
    }

    /// - Returns: for each player and step the dependencies through which a kept path runs.
    private func targets(of level: Level, _ kept: inout KeptPaths) -> [[[Dependency]]] {
        let before = kept
        return level.players.map { player in
            var seen = level.isSimultaneous ? before : kept
            return (0..<player.steps).map { _ in
                let targets = seen.targets(player.objective.dependencies, path: player.id.name)
                if !targets.isEmpty {
                    seen.insert(player.id)
                    kept.insert(player.id)
                }
                return targets
            }
        }
    }
}

/// What is done with the derivative of the factor by which gradients are clipped.
public enum ClipTreatment: String, CaseIterable, Sendable {
    case differentiated
    /// The factor is held constant.
    case constant
}

extension DescentStep {
    /// From cotangents of what a step gives to cotangents of what it is given, by differentiating the step.
    ///
    /// - Parameters:
    ///   - parameters: before the step.
    ///   - cotangent: of the parameters after it.
    ///   - slotCotangents: of the optimiser's slots after it; zero where absent.
    func pullback(
        _ parameters: [Tensor], gradient: [Tensor], cotangent: [Tensor], slotCotangents: [[Tensor]]?,
        clip: ClipTreatment
    ) throws -> (parameters: [Tensor], gradient: [Tensor], slots: [[Tensor]]) {
        let (parameters, gradient) = (parameters.map(\.variable), gradient.map(\.variable))
        var step = self
        step.state.slots = state.slots.map { $0.map(\.variable) }
        let (updated, after, _) = try step(
            parameters, gradients: gradient, holdingClip: clip == .constant)
        var found = try gradients(
            of: updated + (slotCotangents == nil ? [] : after.slots.flatMap(\.self)),
            withRespectTo: parameters + gradient + step.state.slots.flatMap(\.self),
            cotangents: cotangent + (slotCotangents?.flatMap(\.self) ?? []), releasingGraph: true)[...]
        func next() -> [Tensor] {
            defer { found = found.dropFirst(parameters.count) }
            return Array(found.prefix(parameters.count))
        }
        return (next(), next(), step.state.slots.map { _ in next() })
    }
}
