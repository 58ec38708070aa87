import Foundation
import TensorEngine

/// What is found wrong with one component.
struct ComponentCheck {
    let kind: String
    let name: String
    private(set) var failures: [ConformanceFailure] = []

    init(_ kind: String, _ name: String) {
        self.kind = kind
        self.name = name
    }

    mutating func fail(_ property: String, found: String, expected: String) {
        failures.append(
            ConformanceFailure(
                kind: kind, component: name, property: property, found: found, expected: expected))
    }

    mutating func expect(
        _ holds: Bool, _ property: String, found: @autoclosure () -> String,
        expected: @autoclosure () -> String
    ) {
        if !holds { fail(property, found: found(), expected: expected()) }
    }

    mutating func expect<Value: Equatable>(_ property: String, _ found: Value, equals expected: Value) {
        expect(found == expected, property, found: "\(found)", expected: "\(expected)")
    }

    /// Runs a part of the checks; what it throws is a failure, and ends that part alone.
    ///
    /// - Returns: nil after an error.
    @discardableResult
    mutating func attempt<Result>(_ property: String, _ body: (inout Self) throws -> Result) -> Result? {
        do { return try body(&self) } catch {
            fail(property, found: "the error \"\(error)\"", expected: "none")
            return nil
        }
    }

    /// The shape, and that every element is a number.
    mutating func expect(_ property: String, _ tensor: Tensor, shape: Shape) throws {
        expect(property, tensor.shape, equals: shape)
        try expectFinite(property, [tensor])
    }

    mutating func expectFinite(_ property: String, _ tensors: [Tensor]) throws {
        let wrong = try tensors.flatMap { try $0.detached.doubles() }.count { !$0.isFinite }
        expect(
            wrong == 0, property, found: "\(wrong) elements that are no number", expected: "finite numbers")
    }

    /// That a computation gives the same bits again, and on another number of threads.
    mutating func expectReproducible(
        _ property: String, _ bench: Bench, _ compute: (any Backend) throws -> [Tensor]
    ) {
        attempt(property) { check in
            let first = try compute(bench.backend).bits()
            check.expect(
                try compute(bench.backend).bits() == first, "\(property), twice with the same seeds",
                found: "different results", expected: "the same bits")
            check.expect(
                try compute(bench.twoThreads).bits() == first, "\(property), on two threads",
                found: "a result other than on one", expected: "the same bits")
        }
    }
}

extension [Tensor] {
    /// All elements' bits.
    func bits() throws -> [UInt64] { try flatMap { try $0.detached.doubles().map(\.bitPattern) } }
}
