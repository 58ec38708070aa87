import ErrataCore
import TensorEngine

/// The runs that the trials of a matrix are, each once.
public struct SweepPlan: Sendable {
    /// What the sweep is called: the file's name.
    public let name: String
    public let trials: [PlannedTrial]
    /// Each search before the evaluations of what it finds.
    public let runs: [PlannedRun]

    /// A trial and its runs.
    public struct PlannedTrial: Sendable {
        public let trial: Trial
        public let search: RunIdentity
        /// `nil` where only searches are wanted.
        public let evaluation: RunIdentity?
    }

    /// A run, and what it is for.
    public struct PlannedRun: Sendable {
        public let identity: RunIdentity
        /// Of the first of its trials.
        public let experiment: Experiment
        /// The search whose result an evaluation trains.
        public let search: RunIdentity?
        /// Its trials' names.
        public fileprivate(set) var trials: [String]

        /// What runs that differ in their seeds alone have in common.
        public var family: ConfigurationValue {
            experiment.spec.encoded.removing(["seed"]).removing(["name"])
        }
    }

    /// - Parameters:
    ///   - name: what the sweep is called.
    ///   - matrix: the trials.
    ///   - experiments: theirs, in their order.
    ///   - evaluating: whether what is found is evaluated too.
    public init(
        _ name: String, _ matrix: ExperimentMatrix, _ experiments: [Experiment], evaluating: Bool = true
    ) {
        self.name = name
        var runs: [PlannedRun] = []
        var index: [RunIdentity: Int] = [:]
        func add(_ run: RunIdentity, _ experiment: Experiment, of search: RunIdentity?, _ trial: String) {
            if let known = index[run] {
                runs[known].trials.append(trial)
            } else {
                index[run] = runs.count
                runs.append(.init(identity: run, experiment: experiment, search: search, trials: [trial]))
            }
        }
        trials = zip(matrix.trials, experiments).map { trial, experiment in
            let search = RunIdentity.search(experiment.spec)
            let evaluation = evaluating ? RunIdentity.evaluation(experiment.spec) : nil
            add(search, experiment, of: nil, trial.name)
            if let evaluation { add(evaluation, experiment, of: search, trial.name) }
            return PlannedTrial(trial: trial, search: search, evaluation: evaluation)
        }
        self.runs = runs
    }

    /// The trials as a library keeps them.
    var record: [SweepRecord.Trial] {
        trials.map { planned in
            var trial = SweepRecord.Trial()
            trial.name = planned.trial.name
            trial.search = "\(planned.search)"
            trial.evaluation = planned.evaluation.map { "\($0)" } ?? ""
            return trial
        }
    }

    /// The trials that were other runs when the sweep was begun before, a sentence each.
    ///
    /// - Throws: `ConfigurationErrors` if the library's record is damaged.
    public func changes(since library: RunLibrary) throws -> [String] {
        let before = try library.trials(of: name)
        return trials.compactMap { planned in
            guard let old = before.first(where: { $0.name == planned.trial.name }),
                let run = runs.first(where: { $0.identity == planned.evaluation ?? planned.search })
            else { return nil }
            for (then, now) in [(old.search, planned.search), (old.evaluation, planned.evaluation)] {
                guard let now, let then = RunIdentity(then), then != now else { continue }
                let path = library.directory(of: then).spec(of: then.kind)
                guard let value = try? YAMLReader.read(file: path),
                    let spec = try? run.experiment.resolving(value)
                else { continue }
                let difference =
                    run.experiment.spec.difference(from: spec, in: then.kind) ?? "what it evaluates"
                return
                    "\(planned.trial.name): the spec is not the one that \(then) was begun with (\(difference)): "
                    + "it is \(now) now"
            }
            return nil
        }
    }
}
