import CKernels
import Foundation
import TensorEngine

/// The forward pass in rounds, each of which takes every image through one stage of every branch: between rounds
/// the batch's moments become known. Where all are known before, an image goes through all rounds at once.
extension CPUBackend {
    public func mixedSum(_ sum: MixedSum, keepingOutputs keeps: Bool) -> (
        output: Tensor, record: MixedSumRecord
    )? {
        guard fusesMixedSums else { return nil }
        let plan = MixedPlan(self, sum, for: .forward)
        let usesBatch = sum.branches.map { $0.normalizations.map { $0?.usesBatch ?? false } }
        let isSinglePass = !usesBatch.joined().contains(true)
        let stores = keeps || !isSinglePass
        let outputs = plan.stages.map { $0.map { stores ? empty($0.output, plan.dtype) : nil } }
        let result = empty(plan.output, plan.dtype)

        // Where an image of a stage's output lies: in the record, or in scratch memory.
        var slotCount = 0
        let slots = plan.stages.map { stages in
            let count = stages.isEmpty ? 1 : stores ? 0 : stages.count
            defer { slotCount += count }
            return Array(slotCount..<(slotCount + count))
        }
        func output(_ branch: Int, _ stage: Int, _ image: Int, _ memory: MixedPlan.Memory)
            -> UnsafeMutableRawPointer
        {
            outputs[branch][stage]?.image(image) ?? memory.output(slots[branch][stage])
        }

        var moments: [[MixedSumRecord.Moments?]] = sum.branches.map { $0.normalizations.map { $0?.moments } }
        var vectors: [[ChannelVectors?]] = sum.branches.map { $0.normalizations.map { _ in nil } }
        func know(_ branch: Int, _ norm: Int, _ found: MixedSumRecord.Moments) {
            moments[branch][norm] = found
            if norm + 1 < sum.branches[branch].normalizations.count {
                vectors[branch][norm] = plan.constants(branch, norm, found).vectors(self, plan.dtype)
            }
        }
        for (branch, norms) in moments.enumerated() {
            for (norm, found) in norms.enumerated() { if let found { know(branch, norm, found) } }
        }

        let partials = MomentPartials(plan, usesBatch)
        func round(_ round: Int, _ image: Int, _ memory: MixedPlan.Memory) {
            for source in sum.sources.indices where !plan.branches[source].isEmpty {
                if round == 0 { plan.padSource(source, image, into: memory.padded) }
                for branch in plan.branches[source] {
                    guard round < plan.stages[branch].count else {
                        if round == 0, plan.stages[branch].isEmpty, usesBatch[branch][0] {
                            let (x, pitch) = plan.simpleOutput(
                                branch, image, into: memory.output(slots[branch][0]))
                            partials.add(branch, 0, image, x, pitch: pitch)
                        }
                        continue
                    }
                    let stage = plan.stages[branch][round]
                    if round > 0 {
                        stage.pad(
                            output(branch, round - 1, image, memory), pitch: stage.channels,
                            vectors[branch][round - 1], padding: stage.padding, into: memory.padded)
                    }
                    let target = output(branch, round, image, memory)
                    stage.forward(
                        memory.padded, padding: round == 0 ? plan.paddings[source] : stage.padding,
                        middle: memory.middle, to: target)
                    if usesBatch[branch][round] {
                        partials.add(branch, round, image, target, pitch: stage.outputs)
                    }
                }
            }
        }
        let scratch = plan.scratch(outputs: slotCount)
        if !isSinglePass {
            for index in 0..<plan.rounds {
                parallel(plan.images) { image in scratch.use { round(index, image, $0) } }
                for branch in sum.branches.indices
                where index < usesBatch[branch].count && usesBatch[branch][index] {
                    know(branch, index, partials.moments(branch, index))
                }
            }
        }

        let combination = Combination(plan, moments)
        parallel(plan.images) { image in
            scratch.use { memory in
                if isSinglePass { for index in 0..<plan.rounds { round(index, image, memory) } }
                let values = sum.branches.indices.map { branch in
                    plan.stages[branch].isEmpty
                        ? plan.simpleOutput(branch, image, into: memory.output(slots[branch][0]))
                        : (
                            UnsafeRawPointer(output(branch, plan.stages[branch].count - 1, image, memory)),
                            plan.channels
                        )
                }
                combination.apply(image, values, to: result.image(image))
            }
        }
        return (
            result, MixedSumRecord(outputs: keeps ? outputs.map { $0.map { $0! } } : [], moments: moments)
        )
    }
}

/// Each image's sums and squared deviations, which become the batch's moments.
private struct MomentPartials: @unchecked Sendable {
    private let plan: MixedPlan
    private let storage: Tensor
    private let offsets: [[Int]]
    private let width: Int

    init(_ plan: MixedPlan, _ usesBatch: [[Bool]]) {
        self.plan = plan
        var width = 0
        offsets = usesBatch.enumerated().map { branch, norms in
            norms.enumerated().map { norm, uses in
                defer { if uses { width += 2 * plan.normalizedShape(branch, norm).channels } }
                return width
            }
        }
        self.width = max(width, 1)
        storage = plan.backend.empty([plan.images, self.width], .float64)
    }

    private func place(_ branch: Int, _ norm: Int, _ image: Int) -> UnsafeMutablePointer<Double> {
        storage.pointer.assumingMemoryBound(to: Double.self) + image * width + offsets[branch][norm]
    }

    func add(_ branch: Int, _ norm: Int, _ image: Int, _ x: UnsafeRawPointer, pitch: Int) {
        let shape = plan.normalizedShape(branch, norm)
        let sums = place(branch, norm, image)
        plan.kernels.column_moments(
            shape[1] * shape[2], shape.channels, x, pitch, sums, sums + shape.channels)
    }

    func moments(_ branch: Int, _ norm: Int) -> MixedSumRecord.Moments {
        let shape = plan.normalizedShape(branch, norm)
        return plan.backend.mergedMoments(
            (0..<plan.images).map { (shape[1] * shape[2], UnsafePointer(place(branch, norm, $0))) },
            columns: shape.channels, plan.dtype)
    }
}

/// Σ_k weight·factor·((x − mean)·slope + shift): the last step, in one pass over the branches.
private struct Combination {
    private let plan: MixedPlan
    private let scales, shifts: [[Double]]
    /// For all images alike, where no branch has factors of its own.
    private let shared: Tensor?

    init(_ plan: MixedPlan, _ moments: [[MixedSumRecord.Moments?]]) {
        self.plan = plan
        let weights = plan.weights()
        var (scales, shifts): ([[Double]], [[Double]]) = ([], [])
        for (branch, norms) in moments.enumerated() {
            let weight = weights[branch]
            guard let found = norms.last! else {
                scales.append([Double](repeating: weight, count: plan.channels))
                shifts.append([Double](repeating: 0, count: plan.channels))
                continue
            }
            let constants = plan.constants(branch, norms.count - 1, found)
            let slope = constants.slope
            scales.append(slope.map { weight * $0 })
            shifts.append(
                slope.indices.map { weight * ((constants.shift?[$0] ?? 0) - constants.mean[$0] * slope[$0]) })
        }
        (self.scales, self.shifts) = (scales, shifts)
        shared =
            plan.imageFactors.allSatisfy { $0 == nil } ? Self.table(plan, scales, shifts, image: nil) : nil
    }

    /// [branches + 1, C]: the scales, then the shift.
    private static func table(_ plan: MixedPlan, _ scales: [[Double]], _ shifts: [[Double]], image: Int?)
        -> Tensor
    {
        let table = plan.backend.empty([scales.count + 1, plan.channels], plan.dtype)
        var shift = [Double](repeating: 0, count: plan.channels)
        for branch in scales.indices {
            let factor = image.flatMap { plan.imageFactors[branch]?[$0] } ?? 1
            plan.backend.store(
                scales[branch].map { $0 * factor }, plan.dtype, table.element(branch * plan.channels))
            for channel in shift.indices { shift[channel] += factor * shifts[branch][channel] }
        }
        plan.backend.store(shift, plan.dtype, table.element(scales.count * plan.channels))
        return table
    }

    func apply(
        _ image: Int, _ values: [(pointer: UnsafeRawPointer, pitch: Int)], to target: UnsafeMutableRawPointer
    ) {
        let table = shared ?? Self.table(plan, scales, shifts, image: image)
        let columns = plan.channels
        plan.kernels.affine_sum(
            plan.pixels, columns, values.count, values.map { Optional($0.pointer) }, values.map(\.pitch),
            values.indices.map { Optional(UnsafeRawPointer(table.element($0 * columns))) },
            table.element(values.count * columns), target, columns)
    }
}
