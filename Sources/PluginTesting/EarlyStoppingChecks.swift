import ErrataCore

extension ComponentCheck {
    /// A rule looks at 40 epochs in which every sign grows and the rankings settle: what it says depends on these
    /// and its memory alone, and names an epoch that it was shown.
    mutating func check(_ rule: any EarlyStopping) {
        let epochs = (1...40).map { number in
            SearchEpoch(
                number: number,
                signs: [
                    "skips_normal": Double(number / 5), "skips_reduce": 0,
                    "entropy_normal": 1 / Double(number),
                ],
                rankings: number < 20 ? [[number % 2, 1 - number % 2]] : [[0, 1]],
                hessianEigenvalue: rule.needsHessianEigenvalue ? 0.1 * Double(number * number) : nil)
        }
        attempt("a search's start") { _ in try rule.validate(epochs[0]) }
        attempt("verdicts") { check in
            var (memory, other) = (Memory(), Memory())
            for epoch in epochs {
                let verdict = try rule.verdict(on: epoch, &memory)
                let again = try rule.verdict(on: epoch, &other)
                check.expect("the verdict on epoch \(epoch.number), once more", again, equals: verdict)
                check.expect("what is remembered of epoch \(epoch.number), once more", other, equals: memory)
                guard let verdict else { continue }
                check.expect(
                    1...epoch.number ~= verdict.epoch,
                    "the epoch that a verdict on epoch \(epoch.number) names",
                    found: "\(verdict.epoch)", expected: "one from 1 to \(epoch.number)")
                check.expect(
                    !verdict.reason.isEmpty && !verdict.reason.contains("\n"), "a verdict's reason",
                    found: verdict.reason.debugDescription, expected: "one line")
                return
            }
        }
    }
}
