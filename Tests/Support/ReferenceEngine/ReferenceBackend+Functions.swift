import Foundation
import TensorEngine

extension UnaryOperation {
    var function: (Double) -> Double {
        switch self {
        case .negate: { -$0 }
        case .exp: { Foundation.exp($0) }
        case .log: { Foundation.log($0) }
        case .sqrt: { $0.squareRoot() }
        case .rsqrt: { 1 / $0.squareRoot() }
        case .reciprocal: { 1 / $0 }
        case .square: { $0 * $0 }
        case .tanh: { Foundation.tanh($0) }
        case .sigmoid: { 1 / (1 + Foundation.exp(-$0)) }
        case .softplus: { Swift.max($0, 0) + log1p(Foundation.exp(-Swift.abs($0))) }
        case .relu: { $0 < 0 ? 0 : $0 }
        case .abs: { Swift.abs($0) }
        case .sign: { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 }
        }
    }
}

extension BinaryOperation {
    var function: (Double, Double) -> Double {
        switch self {
        case .add: { $0 + $1 }
        case .subtract: { $0 - $1 }
        case .multiply: { $0 * $1 }
        case .divide: { $0 / $1 }
        case .maximum: { $0 > $1 ? $0 : $1 }
        case .minimum: { $0 < $1 ? $0 : $1 }
        case .greater: { $0 > $1 ? 1 : 0 }
        case .equal: { $0 == $1 ? 1 : 0 }
        case .mask: { $1 > 0 ? $0 : 0 }
        }
    }
}
