import Datasets
import ErrataCore
import Experiments
import Multilevel
import NeuralNetworks
import TensorEngine

extension ComponentCheck {
    mutating func check(_ method: any SearchMethod, _ bench: Bench) {
        checkDeclarations(method)
        guard failures.isEmpty, !method.models.isEmpty else { return }
        attempt("a search") { try $0.checkSearch(method, bench) }
    }

    private mutating func checkDeclarations(_ method: any SearchMethod) {
        guard !method.models.isEmpty else { return checkStepless(method) }
        let ids = method.models.map(\.id)
        expect("different names of models", Set(ids).count, equals: ids.count)
        expect(!method.classifiers.isEmpty, "classifiers", found: "none", expected: "at least one")
        expect(
            Set(ids).isSuperset(of: method.classifiers), "classifiers",
            found: "\(method.classifiers.map(\.name))", expected: "some of the models")
        let requests = method.batches.map(\.name)
        expect(!requests.isEmpty, "batches", found: "none", expected: "at least one request")
        expect("different names of batches", Set(requests).count, equals: requests.count)
        let occurrences = method.occurrences
        expect("different occurrences of A", Set(occurrences).count, equals: occurrences.count)
    }

    /// A method without models takes no steps, and has nothing that only steps have.
    private mutating func checkStepless(_ method: any SearchMethod) {
        expect("classifiers of no models", method.classifiers.count, equals: 0)
        expect("batches of a method without models", method.batches.count, equals: 0)
        expect("metrics of a method without models", method.metrics.count, equals: 0)
    }

    private mutating func checkSearch(_ method: any SearchMethod, _ bench: Bench) throws {
        let search = try ArchitectureSearch(
            space: PartnerSpace(), supernet: PartnerSpace().supernet(for: bench.images), method: method,
            hypergradient: ExactHypergradient(), images: bench.images,
            architecture: DescentSettings.architecture.descent, seed: bench.seed)
        func batches(_ step: Int, on backend: any Backend) throws -> StepBatches {
            var batches: [String: [Batch]] = [:]
            for request in method.batches {
                batches[request.name] = try (0..<request.count).map {
                    let batch = try bench.batch("\(request.name) \(step) \($0)", on: backend)
                    return Batch(
                        images: batch.images, originals: request.includesOriginals ? batch.originals : nil,
                        labels: batch.labels)
                }
            }
            return StepBatches(batches)
        }
        func time(_ step: Int) -> TrainingTime {
            TrainingTime(epoch: 0, epochs: 4, step: step, stepOfEpoch: step, stepsPerEpoch: 10)
        }
        var reported: Set<String> = []
        func run(_ steps: Int, from state: SearchState, on backend: any Backend) throws -> SearchState {
            var state = state
            for _ in 0..<steps {
                reported.formUnion(
                    try search.step(&state, on: batches(state.step, on: backend), at: time(state.step)).keys)
            }
            return state
        }
        func tensors(_ state: SearchState) -> [Tensor] {
            state.architecture.tensors + method.models.flatMap { state[$0.id].tensors }
        }

        let start = try search.initialState(on: bench.backend, bench.dtype)
        try checkOccurrences(
            method, SearchStep(start, batches(0, on: bench.backend), at: time(0), seed: bench.seed))
        let middle = try run(2, from: start, on: bench.backend)
        let end = try run(2, from: middle, on: bench.backend)
        try expectFinite("the state after four steps", tensors(end))
        for model in method.models {
            expect(
                try end[model.id].state.parameters.bits() != start[model.id].state.parameters.bits(),
                "the model '\(model.id)'", found: "one that does not move", expected: "that it learns")
        }
        expect(
            try end.architecture.state.parameters.bits() != start.architecture.state.parameters.bits(),
            "A", found: "one that does not move", expected: "that it descends")
        let missing = method.metrics.map(\.name).filter { !reported.contains($0) }
        expect(
            missing.isEmpty, "metrics", found: "no \(missing.joined(separator: ", "))",
            expected: "every declared metric reported")
        expectReproducible("two steps", bench) {
            tensors(try run(2, from: search.initialState(on: $0, bench.dtype), on: $0))
        }
        try checkResumption(method, middle, end, bench) { try run(2, from: $0, on: bench.backend) }
        try checkReports(search, end, try bench.batch("validation", on: bench.backend), bench)
    }

    /// The occurrences of A are those of the problem.
    private mutating func checkOccurrences(_ method: any SearchMethod, _ step: SearchStep) throws {
        let problem = try method.problem(of: step)
        var found: Set<String> = []
        for stage in problem.stages {
            switch stage {
            case .coupling(let coupling) where coupling.function.dependencies.contains(.architecture):
                found.insert(coupling.id.name)
            case .level(let level):
                for player in level.players where player.objective.dependencies.contains(.architecture) {
                    found.insert(player.id.name)
                }
            case .coupling: break
            }
        }
        if problem.outer.dependencies.contains(.architecture) { found.insert(MultilevelProblem.directPath) }
        expect("occurrences of A", method.occurrences.sorted(), equals: found.sorted())
    }

    /// What a checkpoint holds goes on as if nothing had happened.
    private mutating func checkResumption(
        _ method: any SearchMethod, _ middle: SearchState, _ end: SearchState, _ bench: Bench,
        _ goOn: (SearchState) throws -> SearchState
    ) throws {
        let optimizer = DescentSettings.architecture.descent.optimizer
        var archive = Archive()
        try archive.store(middle, of: method, architecture: optimizer)
        let read = try archive.throughFile().searchState(
            middle, of: method, architecture: optimizer, bench.dtype, on: bench.backend)
        let resumed = try goOn(read)
        for model in method.models {
            expect(
                try resumed[model.id].tensors.bits() == end[model.id].tensors.bits(),
                "the model '\(model.id)' after a checkpoint", found: "other values", expected: "the same bits"
            )
        }
        expect(
            try resumed.architecture.tensors.bits() == end.architecture.tensors.bits(),
            "A after a checkpoint", found: "other values", expected: "the same bits")
        expect("memory after a checkpoint", resumed.memory, equals: end.memory)
    }

    /// What an epoch's end reports.
    private mutating func checkReports(
        _ search: ArchitectureSearch, _ state: SearchState, _ batch: Batch, _ bench: Bench
    ) throws {
        for (id, performance) in try search.performances(
            state, on: OneBatch(batch: batch), at: bench.time)
        {
            expect(
                performance.loss.isFinite, "the performance of '\(id)'",
                found: "a loss of \(performance.loss)",
                expected: "a number")
        }
        for metric in search.method.classMetrics(state.memory) {
            expect("classes of '\(metric.name)'", metric.values.count, equals: bench.images.classes)
        }
        guard let samples = try search.method.samples(state, columns: 2, seed: bench.seed) else { return }
        try expect(
            "samples", samples,
            shape: [2 * bench.images.classes, bench.images.height, bench.images.width, bench.images.channels])
        let outside = try samples.doubles().filter { !(-1...1).contains($0) }
        expect(outside.isEmpty, "samples", found: "\(outside.first ?? 0)", expected: "pixels in [−1, 1]")
        expect(
            try [search.method.samples(state, columns: 2, seed: bench.seed)].compactMap(\.self).bits()
                == [samples].bits(), "samples, drawn twice", found: "other images", expected: "the same bits")
    }
}

private struct OneBatch: BatchSource {
    let batch: Batch
    var batchesPerEpoch: Int { 1 }

    func batch(step: Int) throws -> Batch { batch }
}
