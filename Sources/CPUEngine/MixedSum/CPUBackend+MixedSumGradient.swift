import CKernels
import Foundation
import TensorEngine

/// The backward pass in rounds, from every branch's last stage to its first: before a round the sums over the
/// batch that its batch norms' gradients need are known.
extension CPUBackend {
    public func mixedSumGradient(
        _ sum: MixedSum, record: MixedSumRecord, cotangent: Tensor, wants: MixedLeaves<Bool>,
        carried: [CarriedCotangent?]
    ) -> MixedLeaves<Tensor?>? {
        let pass = MixedGradientPass(
            MixedPlan(self, sum, for: .gradient), record: record, cotangent: cotangent, wants: wants,
            carried: carried)
        pass.sumCotangents()
        for round in 0..<pass.plan.rounds { pass.run(round) }
        return pass.result()
    }
}

private final class MixedGradientPass: @unchecked Sendable {
    let plan: MixedPlan
    private let record: MixedSumRecord
    private let cotangent: Tensor
    private let wants: MixedLeaves<Bool>
    private let wantsWeights, wantsParameters: Bool
    private let carried: [CarriedCotangent?]
    private let branchWeights: [Double]
    /// By branch and batch norm.
    private let constants: [[NormConstants?]]
    private let sums: CotangentSums
    /// For the batch norm that each branch's cotangent passes next.
    private var adjoints: [NormalizationAdjoint?]
    /// The cotangents of the batch norms between stages, by branch; absent before a branch's first round.
    private var between: [Tensor?]
    private let runs: Runs
    private let scratch: MixedPlan.Scratch
    private let parameters: ParameterSums?
    /// The gradient of each source, where it is wanted.
    private let sources: [Tensor?]
    private var gradient: MixedLeaves<Tensor?>

    private var backend: CPUBackend { plan.backend }
    private var sum: MixedSum { plan.sum }

    init(
        _ plan: MixedPlan, record: MixedSumRecord, cotangent: Tensor, wants: MixedLeaves<Bool>,
        carried: [CarriedCotangent?]
    ) {
        self.plan = plan
        self.record = record
        self.cotangent = cotangent
        self.wants = wants
        (wantsWeights, wantsParameters) = (wants.weights ?? false, wants.parameters)
        self.carried = carried
        branchWeights = plan.weights()
        constants = record.moments.enumerated().map { branch, norms in
            norms.enumerated().map { norm, found in found.map { plan.constants(branch, norm, $0) } }
        }
        sums = CotangentSums(plan)
        adjoints = plan.sum.branches.map { _ in nil }
        between = adjoints.map { _ in nil }
        runs = Runs(of: plan.images)
        scratch = plan.scratch(outputs: 2)
        parameters =
            wantsParameters && plan.stages.contains { !$0.isEmpty }
            ? ParameterSums(plan, runs: runs.count) : nil
        sources = plan.sum.sources.indices.map { index in
            guard wants.sources[index] else { return nil }
            if let (sum, isOwn) = carried[index], isOwn, sum.isContiguous { return sum }
            return plan.backend.empty(plan.sum.sources[index].shape, plan.dtype)
        }
        gradient = wants.map { _ in nil }
        gradient.sources = sources
    }

    /// Whether a cotangent has to reach what a branch's last batch norm normalised.
    private func flows(_ branch: Int) -> Bool {
        wants.sources[sum.branches[branch].source] || wantsParameters && !plan.stages[branch].isEmpty
    }

    /// Whether a batch norm's gradient needs sums over the batch.
    private func needsSums(_ branch: Int, _ norm: Int) -> Bool {
        guard let normalization = sum.branches[branch].normalizations[norm] else { return false }
        return wantsParameters && normalization.affine != nil || normalization.usesBatch && flows(branch)
    }

    // MARK: Before the first round

    /// Σ g and Σ g·(y − mean) of each branch that needs them.
    func sumCotangents() {
        let last = sum.branches.map { $0.normalizations.count - 1 }
        let needed = sum.branches.indices.filter { wantsWeights || needsSums($0, last[$0]) }
        if !needed.isEmpty {
            let means = constants.map {
                vector($0.last!?.mean ?? [Double](repeating: 0, count: plan.channels))
            }
            backend.parallel(plan.images) { image in
                self.scratch.use { memory in
                    for branch in needed {
                        let (y, pitch) =
                            self.record.outputs[branch].last.map {
                                (UnsafeRawPointer($0.image(image)), $0.pitch)
                            }
                            ?? self.plan.simpleOutput(branch, image, into: memory.output(0))
                        self.sums.set(
                            branch, image, columns: self.plan.channels, rows: self.plan.pixels,
                            self.cotangent.image(image), self.cotangent.pitch, y, pitch,
                            mean: means[branch].pointer, factor: self.plan.imageFactors[branch]?[image])
                    }
                }
            }
            for branch in needed { sums.add(branch, columns: plan.channels) }
        }
        for branch in sum.branches.indices { takeUp(branch, last[branch], weight: branchWeights[branch]) }
        if wantsWeights { gradient.weights = weightGradient() }
    }

    // MARK: A round

    /// Takes the cotangents through one stage of every branch that has so many.
    func run(_ round: Int) {
        let active = sum.branches.indices.filter { flows($0) && round < max(plan.stages[$0].count, 1) }
        guard round == 0 || !active.isEmpty else { return }
        // The stage of each branch; negative for one without convolutions.
        let stage = plan.stages.map { $0.count - 1 - round }
        var next: [Tensor?] = sum.branches.map { _ in nil }
        var prologues: [ChannelVectors?] = sum.branches.map { _ in nil }
        var means: [Tensor?] = sum.branches.map { _ in nil }
        for branch in active where stage[branch] > 0 {
            next[branch] = backend.empty(plan.stages[branch][stage[branch]].input, plan.dtype)
            let before = constants[branch][stage[branch] - 1]
            prologues[branch] = before?.vectors(backend, plan.dtype)
            // The sums of the norm before are taken while the cotangent is in cache.
            if needsSums(branch, stage[branch] - 1) { means[branch] = vector(before!.mean) }
        }
        // The images of a source that its branches' first stages share come before those of later stages, which
        // take their place.
        let order = sum.sources.indices.map { source in
            plan.branches[source].filter(active.contains).sorted { stage[$0] < stage[$1] }
        }
        let (targets, vectors, sumMeans) = (next, prologues, means)

        func process(_ image: Int, _ run: Int, _ memory: MixedPlan.Memory) {
            for source in sum.sources.indices {
                if round == 0 { begin(source, image) }
                if order[source].contains(where: { stage[$0] == 0 }) {
                    plan.padSource(source, image, into: memory.padded)
                }
                for branch in order[source] {
                    let factor = round == 0 ? plan.imageFactors[branch]?[image] : nil
                    let index = stage[branch]
                    guard index >= 0 else {
                        simple(branch, image, factor, memory)
                        continue
                    }
                    let stage = plan.stages[branch][index]
                    let (g, y) = (between[branch] ?? cotangent, record.outputs[branch][index])
                    if index > 0 {
                        stage.pad(
                            record.outputs[branch][index - 1].image(image), pitch: stage.channels,
                            vectors[branch], padding: stage.padding, into: memory.padded)
                    }
                    let adjoint = adjoints[branch]!.times(factor)
                    let (gImage, yImage) = (g.image(image), y.image(image))
                    stage.gradient(
                        memory.padded, padding: index > 0 ? stage.padding : plan.paddings[source],
                        middle: memory.middle, adjoint: memory.adjoint,
                        sums: parameters?.place(branch, index, run: run),
                        target: index > 0 ? targets[branch]!.image(image) : sources[source]?.image(image),
                        accumulates: index == 0
                    ) { first, count, target in
                        adjoint.apply(
                            rows: count, gImage + first * g.pitch * plan.size, g.pitch,
                            yImage + first * y.pitch * plan.size, y.pitch, to: target)
                    }
                    if let mean = sumMeans[branch], let target = targets[branch] {
                        sums.set(
                            branch, image, columns: stage.channels, rows: stage.input[1] * stage.input[2],
                            target.image(image), stage.channels,
                            record.outputs[branch][index - 1].image(image), stage.channels, mean: mean.pointer
                        )
                    }
                }
            }
        }
        backend.parallel(runs.count) { run in
            if round == 0 { self.parameters?.clear(run: run) }
            self.scratch.use { memory in for image in self.runs[run] { process(image, run, memory) } }
        }

        between = next
        for branch in active where stage[branch] > 0 {
            if means[branch] != nil { sums.add(branch, columns: plan.stages[branch][stage[branch]].channels) }
            takeUp(branch, stage[branch] - 1, weight: 1)
        }
    }

    /// What a source's gradient is added to: what is carried, or zeros.
    private func begin(_ source: Int, _ image: Int) {
        guard let target = sources[source] else { return }
        let (pixels, columns) = (target.shape[1] * target.shape[2], target.shape.channels)
        guard let (carried, _) = carried[source] else {
            memset(target.image(image), 0, pixels * columns * plan.size)
            return
        }
        guard carried.storage !== target.storage else { return }
        plan.kernels.mask_rows(
            pixels, columns, carried.image(image), carried.pitch, nil, 0, 0, target.image(image), columns)
    }

    /// The gradient of a branch without convolutions, added to its source's.
    private func simple(_ branch: Int, _ image: Int, _ factor: Double?, _ memory: MixedPlan.Memory) {
        let index = sum.branches[branch].source
        guard let target = sources[index]?.image(image), let adjoint = adjoints[branch]?.times(factor) else {
            return
        }
        let source = sum.sources[index]
        let (y, g) = (memory.output(0), memory.output(1))
        func throughNorm(_ y: UnsafeRawPointer, _ pitch: Int) {
            adjoint.apply(rows: plan.pixels, cotangent.image(image), cotangent.pitch, y, pitch, to: g)
        }
        switch sum.branches[branch].transform {
        case .maxPool(let window):
            let geometry = errata_window(pooling: window, source.shape, inputPitch: source.pitch)
            if adjoint.readsValue {
                withUnsafePointer(to: geometry) { plan.kernels.max_pool($0, source.image(image), y, nil) }
            }
            throughNorm(y, plan.channels)
            withUnsafePointer(to: geometry) {
                plan.kernels.max_pool_gradient($0, source.image(image), g, target)
            }
        case .averagePool(let window):
            let geometry = errata_window(pooling: window, source.shape, inputPitch: source.pitch)
            if adjoint.readsValue {
                withUnsafePointer(to: geometry) { plan.kernels.average_pool($0, source.image(image), y) }
            }
            throughNorm(y, plan.channels)
            withUnsafePointer(to: geometry) { plan.kernels.average_pool_gradient($0, g, target) }
        case .identity, .convolutions:
            throughNorm(source.image(image), source.pitch)
            plan.kernels.mask_rows(1, plan.outputCount, g, 0, nil, 0, 1, target, 0)
        }
    }

    // MARK: What the sums give

    /// Takes up a batch norm whose sums, where it needs any, are known: its γ's and β's gradients, and what takes
    /// the cotangent of its output to that of its input.
    private func takeUp(_ branch: Int, _ norm: Int, weight: Double) {
        let shape = plan.normalizedShape(branch, norm)
        guard let constants = constants[branch][norm] else {
            let scale = [Double](repeating: weight, count: shape.channels)
            adjoints[branch] = NormalizationAdjoint(plan, scale: scale)
            return
        }
        let slope = constants.slope.map { $0 * weight }
        guard needsSums(branch, norm) else {
            adjoints[branch] = NormalizationAdjoint(plan, scale: slope)
            return
        }
        let (total, product) = sums.totals[branch]
        if constants.scale != nil, wantsParameters {
            gradient.branches[branch].affine[norm] = .init(
                scale: vector(product.indices.map { weight * constants.factor[$0] * product[$0] }),
                shift: vector(total.map { weight * $0 })
            )
        }
        let count = Double(shape.rows)
        adjoints[branch] =
            sum.branches[branch].normalizations[norm]!.usesBatch
            ? NormalizationAdjoint(
                plan, scale: slope, mean: constants.mean,
                slope: slope.indices.map {
                    -slope[$0] * constants.factor[$0] * constants.factor[$0] * product[$0] / count
                }, shift: slope.indices.map { -slope[$0] * total[$0] / count })
            : NormalizationAdjoint(plan, scale: slope)
    }

    /// The gradient of each branch's weight: the inner product of the cotangent and the branch.
    private func weightGradient() -> Tensor {
        vector(
            sum.branches.indices.map { branch in
                let (total, product) = sums.totals[branch]
                guard let constants = constants[branch].last! else { return product.reduce(0, +) }
                let slope = constants.slope
                return product.indices.reduce(0) {
                    $0 + slope[$1] * product[$1] + (constants.shift?[$1] ?? 0) * total[$1]
                }
            })
    }

    func result() -> MixedLeaves<Tensor?> {
        guard let parameters else { return gradient }
        for (branch, stages) in plan.stages.enumerated() {
            gradient.branches[branch].stages = stages.indices.map { parameters.gradient(branch, $0) }
        }
        return gradient
    }

    private func vector(_ values: [Double]) -> Tensor { backend.vector(values, plan.dtype) }
}
