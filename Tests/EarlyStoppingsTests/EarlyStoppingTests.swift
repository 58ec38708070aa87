import EarlyStoppings
import ErrataCore
import Testing

@Suite("When a search ends early")
struct EarlyStoppingTests {
    /// The number of the epoch after which a rule ends a search, and the verdict.
    private func end(_ rule: some EarlyStopping, _ epochs: [SearchEpoch]) throws -> (Int, StoppingVerdict)? {
        var memory = Memory()
        for epoch in epochs {
            if let verdict = try rule.verdict(on: epoch, &memory) { return (epoch.number, verdict) }
        }
        return nil
    }

    @Test("With as many skip connections as are counted", arguments: [(1, 2), (2, 3), (3, 5), (4, nil)])
    func skips(_ count: Int, _ expected: Int?) throws {
        let epochs = [0, 1, 2, 1, 3].enumerated().map {
            SearchEpoch(number: $0 + 1, signs: ["skips_normal": $1, "other": 9])
        }
        var rule = SkipConnectionStopping()
        rule.count = count
        let found = try end(rule, epochs)
        #expect(found?.0 == expected && found?.1.epoch == expected)
        #expect(rule.count != 2 || found?.1.reason == "skips_normal is 2, 2 end it")
        rule.sign = "other"
        #expect(try end(rule, epochs)?.0 == 1)
    }

    @Test("Of a sign that the space does not tell, nothing begins")
    func unknownSign() throws {
        var rule = SkipConnectionStopping()
        try rule.validate(SearchEpoch(number: 0, signs: ["skips_normal": 0]))
        rule.sign = "skip_normal"
        let error = #expect(throws: SettingError.self) {
            try rule.validate(SearchEpoch(number: 0, signs: ["skips_normal": 0]))
        }
        #expect(
            error?.message
                == "the search space tells nothing called 'skip_normal', did you mean 'skips_normal'? "
                + "(it tells skips_normal)")
        #expect(throws: SettingError.self) {
            try RankingStopping().validate(SearchEpoch(number: 0, rankings: [[2], []]))
        }
        try RankingStopping().validate(SearchEpoch(number: 0, rankings: [[2], [0, 1]]))
    }

    @Test("When the ranking has stayed for so many epochs", arguments: [(1, 2), (2, 6), (3, 7), (4, nil)])
    func ranking(_ epochs: Int, _ expected: Int?) throws {
        let rankings: [[[Int]]] = [
            [[0, 1], [1, 0]], [[0, 1], [1, 0]], [[0, 1], [0, 1]], [[1, 0], [0, 1]], [[1, 0], [0, 1]],
            [[1, 0], [0, 1]], [[1, 0], [0, 1]], [[1, 0], [1, 0]],
        ]
        var rule = RankingStopping()
        rule.epochs = epochs
        let found = try end(
            rule, rankings.enumerated().map { SearchEpoch(number: $0 + 1, rankings: $1) })
        #expect(found?.0 == expected && found?.1.epoch == expected)
    }

    @Test("When the eigenvalue's mean has grown by a third in a window, and back to where it began")
    func eigenvalue() throws {
        // Means of two: 1, 1, 1.2, 1.4, 1.9; two epochs apart: 1/1.2, 1/1.4, 1.2/1.9.
        let values = [1, 1, 1, 1.4, 1.4, 2.4]
        let epochs = values.enumerated().map { SearchEpoch(number: $0 + 11, hessianEigenvalue: $1) }
        var rule = EigenvalueStopping()
        #expect(rule.window == 5 && rule.ratio == 0.75 && rule.needsHessianEigenvalue)
        rule.window = 2
        let found = try #require(try end(rule, epochs))
        #expect(found.0 == 15 && found.1.epoch == 13)
        rule.ratio = 0.7
        let later = try #require(try end(rule, epochs))
        #expect(later.0 == 16 && later.1.epoch == 14)
        rule.ratio = 0.6
        #expect(try end(rule, epochs) == nil)
        rule = EigenvalueStopping()
        #expect(try end(rule, epochs) == nil)
        // Falling, or below 0, it never ends.
        rule.window = 1
        #expect(try end(rule, [3, 2, 1].map { SearchEpoch(number: 1, hessianEigenvalue: $0) }) == nil)
        #expect(try end(rule, [-1, -3].map { SearchEpoch(number: 1, hessianEigenvalue: $0) }) == nil)
    }
}
