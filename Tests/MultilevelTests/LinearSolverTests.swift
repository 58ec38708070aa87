import CPUEngine
import Multilevel
import MultilevelTesting
import TensorEngine
import Testing

@Suite("Linear solvers")
struct LinearSolverTests {
    let backend: CPUBackend

    init() throws { backend = try CPUBackend(threads: 1) }

    /// A symmetric matrix of these eigenvalues, I reflected at a plane on both sides.
    private func symmetric(_ eigenvalues: [Double]) -> Matrix {
        let n = eigenvalues.count
        let normal = (0..<n).map { 1 / Double($0 + 1) }
        let square = normal.reduce(0) { $0 + $1 * $1 }
        let reflection = (0..<n).map { row in
            (0..<n).map { ($0 == row ? 1 : 0) - 2 * normal[row] * normal[$0] / square }
        }
        let diagonal = (0..<n).map { row in (0..<n).map { $0 == row ? eigenvalues[row] : 0 } }
        return product(reflection, product(diagonal, reflection))
    }

    /// The vector as a list of two tensors of different shapes.
    private func list(_ x: [Double]) throws -> [Tensor] {
        [try backend.tensor([x[0]], [1]), try backend.tensor(Array(x.dropFirst()), [1, x.count - 1])]
    }

    private func numbers(_ x: [Tensor]) throws -> [Double] { try x.flatMap { try $0.doubles() } }

    private func map(_ m: Matrix, counting count: @escaping () -> Void = {}) -> LinearMap {
        { x in
            count()
            let image = try product(m, self.numbers(x).map { [$0] }).map { $0[0] }
            return try self.list(image)
        }
    }

    @Test(
        "The dominant eigenvalue comes with its sign",
        arguments: [[-5, 2, 1, 0.5], [4, -3.9, 1, 0], [1e-6, 2e-7, 0, 0], [3, 3, 1, -1]])
    func dominant(_ eigenvalues: [Double]) throws {
        let found = try dominantEigenvalue(
            map(symmetric(eigenvalues)), from: list([1, -0.5, 0.25, 2]),
            StoppingRule(iterations: 2000, tolerance: 1e-15))
        #expect(abs(found - eigenvalues[0]) < 1e-9 * abs(eigenvalues[0]), "\(found)")
    }

    @Test("The eigenvalue of zero is 0, and a first estimate of 0 does not end the iteration")
    func zero() throws {
        let stopping = StoppingRule(iterations: 200, tolerance: 1e-12)
        let nothing = Matrix(repeating: [0, 0, 0], count: 3)
        #expect(try dominantEigenvalue(map(nothing), from: list([1, 2, 3]), stopping) == 0)
        #expect(try dominantEigenvalue(map(nothing), from: list([0, 0, 0]), stopping) == 0)
        // ⟨v, Mv⟩ = 4 − 4 at the start.
        let found = try dominantEigenvalue(map([[1, 0], [0, -4]]), from: list([2, 1]), stopping)
        #expect(abs(found + 4) < 1e-9, "\(found)")
    }

    @Test("Power iteration stops at its tolerance, or after its iterations")
    func stopping() throws {
        func products(_ iterations: Int, _ tolerance: Double) throws -> Int {
            var count = 0
            _ = try dominantEigenvalue(
                map(symmetric([5, 3, 1])) { count += 1 }, from: list([1, 2, 3]),
                StoppingRule(iterations: iterations, tolerance: tolerance))
            return count
        }
        #expect(try products(7, 0) == 7)
        let (coarse, fine) = (try products(1000, 1e-2), try products(1000, 1e-9))
        #expect(coarse > 2 && coarse < fine && fine < 1000, "\(coarse) \(fine)")
    }

    @Test("The eigenvalue of the outer objective's Hessian, by products with its graph")
    func ofHessian() throws {
        let m = try backend.tensor(symmetric([-6, 3, 2]).flatMap(\.self), [3, 3])
        let outer = Objective([.architecture, "w"]) { values in
            let a = values.architecture[0]
            return Evaluation(try (a * m.matmul(a)).sum() * 0.5 + (a * values["w"][0]).sum())
        }
        let a = [try backend.tensor([1.0, 2, 3], [3, 1])]
        let graph = try GradientGraph(
            of: outer, .architecture, at: Values(architecture: a, values: ["w": a]), [.architecture])
        let found = try dominantEigenvalue(
            { try graph.product($0, withRespectTo: [.architecture], over: Alone())[.architecture]! },
            from: a, StoppingRule(iterations: 200, tolerance: 1e-14))
        #expect(abs(found + 6) < 1e-9, "\(found)")
    }

    @Test("Conjugate gradients, GMRES and the series solve a system in as many products as theory says")
    func solvers() throws {
        let m = symmetric([4, 3, 2, 1])
        let b: [Double] = [1, -2, 0.5, 3]
        let expected = solved(m, b.map { [$0] }).flatMap(\.self)
        let exact = StoppingRule(iterations: 4, tolerance: 0)
        #expect(relativeDistance(try numbers(conjugateGradients(map(m), list(b), exact)), expected) < 1e-12)
        #expect(relativeDistance(try numbers(gmres(map(m), list(b), exact)), expected) < 1e-12)
        let early = StoppingRule(iterations: 2, tolerance: 0)
        #expect(relativeDistance(try numbers(conjugateGradients(map(m), list(b), early)), expected) > 1e-3)
        #expect(relativeDistance(try numbers(gmres(map(m), list(b), early)), expected) > 1e-3)
        let series = try neumannSeries(
            map(m), list(b), rate: 0.4, StoppingRule(iterations: 1000, tolerance: 1e-13))
        #expect(relativeDistance(try numbers(series), expected) < 1e-11)
        for solve in [conjugateGradients, gmres] {
            #expect(try numbers(solve(map(m), list([0, 0, 0, 0]), exact)) == [0, 0, 0, 0])
        }
    }

    @Test("A tolerance ends each solver early")
    func tolerance() throws {
        let m = symmetric([4, 3.5, 3, 1])
        func products(_ solve: (LinearMap, [Tensor], StoppingRule) throws -> [Tensor], _ tolerance: Double)
            throws -> Int
        {
            var count = 0
            _ = try solve(
                map(m) { count += 1 }, list([1, -2, 0.5, 3]),
                StoppingRule(iterations: 50, tolerance: tolerance))
            return count
        }
        let series = { try neumannSeries($0, $1, rate: 0.4, $2) }
        for solve in [conjugateGradients, gmres, series] {
            let counts = try [0.5, 1e-9].map { try products(solve, $0) }
            #expect(counts[0] >= 1 && counts[0] < counts[1] && counts[1] < 50, "\(counts)")
        }
    }
}
