import TensorEngine

/// Reverse mode through the steps that the levels took: through each optimiser exactly, and through each gradient
/// by second derivatives.
struct UnrolledLevels: LevelAdjoint {
    let secondDerivative: any SecondDerivative
    let clip: ClipTreatment

    func extend(_ reach: inout Reach, through level: Level, innerSteps: Int) {
        for _ in 0..<innerSteps { step(level, &reach) }
    }

    func pull(_ level: Level, _ trace: LevelTrace, _ reach: Reach, _ cotangents: inout Cotangents) throws {
        var reach = reach
        let targets = trace.steps.map { _ in step(level, &reach) }
        var moments: [String: [Tensor]] = [:]
        for (steps, targets) in zip(trace.steps, targets).reversed() {
            // Simultaneous players all read the values before the step, which their own cotangents are not of.
            let after = level.simultaneous ? steps.map { cotangents.take($0.player.name) } : []
            for (index, step) in steps.enumerated().reversed() {
                let name = step.player.name
                guard let cotangent = level.simultaneous ? after[index] : cotangents.take(name),
                    !targets[index].isEmpty
                else { continue }
                let before = try step.optimizer.pullback(
                    step.parameters, gradient: step.gradient, cotangent: cotangent,
                    momentCotangents: moments[name], clip: clip)
                moments[name] = before.moments
                if targets[index].contains(.value(name)) {
                    try cotangents.add([.value(name): before.parameters], path: name)
                }
                try cotangents.add(
                    secondDerivative.product(
                        of: step.player, at: step.point, direction: before.gradient,
                        withRespectTo: targets[index]), path: name)
            }
        }
    }

    /// - Returns: for each player the dependencies of its step through which a kept path runs.
    @discardableResult
    private func step(_ level: Level, _ reach: inout Reach) -> [[Dependency]] {
        let before = reach
        return level.players.map { player in
            let targets = (level.simultaneous ? before : reach).targets(
                player.objective.dependencies, path: player.name)
            if !targets.isEmpty { reach.insert(player.name) }
            return targets
        }
    }
}

/// What is done with the derivative of the factor by which gradients are clipped.
public enum ClipTreatment: String, CaseIterable, Sendable {
    case differentiated
    /// The factor is held constant.
    case constant
}

extension InnerOptimizer {
    /// From cotangents of what a step gives to cotangents of what it is given, by differentiating the step.
    ///
    /// - Parameters:
    ///   - parameters: before the step.
    ///   - cotangent: of the parameters after it.
    ///   - momentCotangents: of the optimiser's moments after it; zero where absent.
    func pullback(
        _ parameters: [Tensor], gradient: [Tensor], cotangent: [Tensor], momentCotangents: [Tensor]?,
        clip: ClipTreatment
    ) throws -> (parameters: [Tensor], gradient: [Tensor], moments: [Tensor]) {
        let (parameters, gradient) = (parameters.map(\.variable), gradient.map(\.variable))
        var optimizer = self
        optimizer.moments = moments.map(\.variable)
        let (updated, next, _) = try optimizer.step(
            parameters, gradients: gradient, holdingClip: clip == .constant)
        let found = try gradients(
            of: updated + (momentCotangents == nil ? [] : next.moments),
            withRespectTo: parameters + gradient + optimizer.moments,
            cotangents: cotangent + (momentCotangents ?? []), releasingGraph: true)
        let count = parameters.count
        return (
            Array(found[..<count]), Array(found[count..<(2 * count)]), Array(found[(2 * count)...])
        )
    }

    /// The velocities, or the first and then the second moments; none before the first step.
    private var moments: [Tensor] {
        get {
            switch rule {
            case .sgd(_, let state): state.velocities
            case .adam(_, let state): state.first + state.second
            }
        }
        set {
            switch rule {
            case .sgd(let sgd, var state):
                state.velocities = newValue
                rule = .sgd(sgd, state)
            case .adam(let adam, var state):
                let half = newValue.count / 2
                (state.first, state.second) = (Array(newValue[..<half]), Array(newValue[half...]))
                rule = .adam(adam, state)
            }
        }
    }
}
