import NeuralNetworks

extension ComponentCheck {
    mutating func check(_ schedule: any Schedule) {
        let initial = 0.1
        attempt("a first rate of \(initial)") { _ in try schedule.validate(from: initial) }
        for stage in 0..<2 {
            for epoch in 0...5 {
                for step in 0..<3 {
                    let time = TrainingTime(
                        stage: stage, epoch: epoch, epochs: 5, step: 15 * stage + 3 * epoch + step,
                        stepOfEpoch: step, stepsPerEpoch: 3)
                    let rate = schedule.rate(from: initial, at: time)
                    guard rate.isFinite, rate >= 0 else {
                        return fail("the rate at \(time)", found: "\(rate)", expected: "a number ≥ 0")
                    }
                    expect("the rate at \(time), twice", schedule.rate(from: initial, at: time), equals: rate)
                }
            }
        }
    }
}
