import CPUEngine
import Multilevel
import MultilevelTesting
import Synchronization
import TensorEngine
import Testing

@Suite("What evaluations are told apart by")
struct OccasionTests {
    let backend: CPUBackend

    init() throws { backend = try CPUBackend(threads: 1) }

    private func problem(_ witness: Witness, isSimultaneous: Bool) throws -> (
        QuadraticProblem, MultilevelProblem
    ) {
        var problem = QuadraticProblem(isSimultaneous: isSimultaneous, steps: .init(w1: 1, game: 3, w2: 2))
        (problem.playerSteps, problem.accumulation) = (["h": 3, "w2": 2], 2)
        return (problem, witness.watching(try problem.problem(on: backend)))
    }

    @Test(
        "No two evaluations of a player share an occasion, and they are numbered as they come",
        arguments: [true, false])
    func occasions(isSimultaneous: Bool) throws {
        let witness = Witness()
        let (problem, watched) = try problem(witness, isSimultaneous: isSimultaneous)
        let solution = try watched.solve()
        let seen = witness.seen
        for player in QuadraticProblem.players {
            let occasions = try #require(seen[player]).map(\.occasion)
            #expect(occasions.count == problem.evaluations(player))
            #expect(Set(occasions).count == occasions.count)
            let indices = occasions.map {
                $0.index(steps: problem.playerSteps[player] ?? 1, accumulation: problem.accumulation)
            }
            #expect(indices == Array(occasions.indices), "\(player)")
        }
        // What is differentiated is what was evaluated, each evaluation once.
        witness.forget()
        _ = try ExactHypergradient().gradient(of: watched, at: solution)
        for player in QuadraticProblem.players {
            let again = try #require(witness.seen[player]).map(\.occasion)
            // The last step of simultaneous players that nothing reads is not differentiated.
            let unread = player == "h" && isSimultaneous ? 6 : 0
            #expect(Set(again) == Set(seen[player]!.map(\.occasion).dropLast(unread)), "\(player)")
            #expect(Set(again).count == again.count)
        }
    }

    @Test("Only a player's first evaluation is observed, and no second derivative")
    func observed() throws {
        let witness = Witness()
        let (_, watched) = try problem(witness, isSimultaneous: true)
        let solution = try watched.solve()
        for (name, seen) in witness.seen {
            #expect(seen.map(\.isObserved) == seen.indices.map { $0 == 0 }, "\(name)")
        }
        for method: any Hypergradient in [ExactHypergradient(), FiniteDifferenceHypergradient()] {
            witness.forget()
            _ = try method.gradient(of: watched, at: solution)
            #expect(witness.seen.allSatisfy { $1.allSatisfy(\.isObserved) == ($0 == "direct") })
        }
    }

    @Test("Second derivatives ask functions to compute again what they would keep, where that is chosen")
    func checkpointing() throws {
        for isChosen in [true, false] {
            let witness = Witness()
            let (_, watched) = try problem(witness, isSimultaneous: true)
            let solution = try watched.solve()
            #expect(witness.seen.values.joined().allSatisfy { !$0.checkpointing })
            witness.forget()
            var method = ExactHypergradient()
            method.checkpointing = isChosen
            _ = try method.gradient(of: watched, at: solution)
            for player in QuadraticProblem.players {
                #expect(witness.seen[player]!.allSatisfy { $0.checkpointing == isChosen })
            }
        }
    }

    @Test("Central differences move variables by as much as their scale says", arguments: [0.01, 0.5])
    func scale(_ scale: Double) throws {
        let witness = Witness()
        let watched = witness.watching(try QuadraticProblem().problem(on: backend))
        let solution = try watched.solve()
        witness.forget()
        var method = FiniteDifferenceHypergradient()
        method.scale = scale
        _ = try method.gradient(of: watched, at: solution)
        let moved = try #require(witness.seen["w2"]).map { try $0["w2"][0].doubles() }
        #expect(moved.count == 2)
        let distance = zip(moved[0], moved[1]).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
        #expect(abs(distance - 2 * scale) < 1e-12)
    }

    @Test("No function is evaluated that no kept path runs through")
    func unneeded() throws {
        func counts(_ paths: Set<String>?, isSimultaneous: Bool, steps: Int = 1) throws -> [String: Int] {
            let witness = Witness()
            let problem = QuadraticProblem(
                isSimultaneous: isSimultaneous, steps: .init(w1: 1, game: steps, w2: 1))
            let watched = witness.watching(try problem.problem(on: backend))
            let solution = try watched.solve()
            witness.forget()
            var method = ExactHypergradient()
            method.paths = paths
            _ = try method.gradient(of: watched, at: solution)
            return witness.seen.mapValues(\.count)
        }
        let all = ["direct": 1, "w2": 1, "class_weights": 1, "w1": 1, "g": 1]
        #expect(try counts(nil, isSimultaneous: true) == all)
        #expect(try counts(nil, isSimultaneous: false) == all.merging(["h": 1]) { $1 })
        #expect(try counts(nil, isSimultaneous: true, steps: 2) == all.merging(["h": 1, "g": 2]) { $1 })
        #expect(try counts(["direct"], isSimultaneous: true) == ["direct": 1])
        #expect(try counts(["w2"], isSimultaneous: true) == ["direct": 1, "w2": 1])
        #expect(try counts(["g"], isSimultaneous: true) == ["direct": 1, "w2": 1, "g": 1])
        #expect(
            try counts(["class_weights"], isSimultaneous: true) == ["direct": 1, "w2": 1, "class_weights": 1])
        #expect(try counts(["h"], isSimultaneous: true) == ["direct": 1])
        // H's first step moves G's second.
        #expect(try counts(["h"], isSimultaneous: true, steps: 2) == ["direct": 1, "w2": 1, "g": 1, "h": 1])
    }
}

/// Remembers what each function of a problem was evaluated at.
final class Witness: Sendable {
    private let mutex = Mutex<[String: [Values]]>([:])
    /// By the name of the function's occurrence of A.
    var seen: [String: [Values]] { mutex.withLock { $0 } }

    func forget() { mutex.withLock { $0 = [:] } }

    /// The same problem, watched.
    func watching(_ problem: MultilevelProblem) -> MultilevelProblem {
        problem.changed { name, values in
            self.mutex.withLock { $0[name, default: []].append(values) }
            return values
        }
    }
}
