// Products of every backend of this build, of floats and of rounded factors, against sums in double
// precision.
#include "worker/model/nn/product.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <numeric>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/random.h"
#include "tests/support/products.h"
#include "worker/model/nn/rounding.h"
#include "worker/model/nn/team.h"

namespace zhiyin::worker::model::nn {
namespace {

using testing::BackendInUse;
using testing::BackendName;
using testing::BackendsOfThisBuild;

constexpr float kNoNumber = std::numeric_limits<float>::quiet_NaN();

/// c [m, n] of a [m, k] and b [k, n].
struct ProductShape {
  Eigen::Index m;
  Eigen::Index k;
  Eigen::Index n;
};

/// From one number on; the smallest that oneDNN multiplies, and one below; odd ones, of which no
/// side is a multiple of what kernels do at once; shapes of layers.
constexpr ProductShape kProductShapes[] = {
    {1, 1, 1},     {1, 7, 1},     {2, 3, 5},      {8, 8, 8},     {7, 33, 9},
    {16, 17, 1},   {1, 16, 33},   {8, 64, 64},    {8, 64, 63},   {31, 32, 33},
    {33, 77, 19},  {65, 130, 40}, {131, 205, 77}, {256, 64, 16}, {40, 300, 211},
    {517, 40, 19}, {64, 129, 40}, {128, 48, 93},  {77, 192, 131}};

/// Large enough to be divided among threads, and to be packed by Eigen.
constexpr ProductShape kLargeShapes[] = {
    {517, 205, 77}, {1024, 98, 64}, {131, 1000, 80}, {640, 24, 130}, {416, 256, 264}};

/// One of the ways to multiply.
struct ProductKind {
  bool a_is_transposed = false;
  bool b_is_transposed = false;
  bool is_rounded = false;
  bool adds = false;
};

std::vector<ProductKind> EveryProductKind() {
  std::vector<ProductKind> kinds;
  for (int bits = 0; bits < 16; ++bits)
    kinds.push_back({(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0});
  return kinds;
}

std::string Describe(const ProductShape& shape, const ProductKind& kind) {
  return std::to_string(shape.m) + "x" + std::to_string(shape.k) + "x" + std::to_string(shape.n) +
         (kind.a_is_transposed ? ", a transposed" : "") +
         (kind.b_is_transposed ? ", b transposed" : "") + (kind.is_rounded ? ", rounded" : "") +
         (kind.adds ? ", added" : "");
}

Matrix RandomNumbers(Eigen::Index rows, Eigen::Index cols, uint64_t seed) {
  Random random(seed);
  Matrix matrix(rows, cols);
  for (Eigen::Index i = 0; i < matrix.size(); ++i)
    matrix.data()[i] = static_cast<float>(4 * random.Uniform() - 2);
  return matrix;
}

/// A factor [rows, cols] of random numbers. Floats are columns of a wider matrix, rounded numbers a
/// part of more; what is beside them is NaN, so that it shows where it is read.
class Operand {
 public:
  /// Numbers in a line of the factor.
  struct Line {
    const float* first;
    Eigen::Index step;
  };

  /// `at`: so many others come before each row of floats, or before all rounded numbers.
  Operand(Eigen::Index rows, Eigen::Index cols, bool is_transposed, bool is_rounded, uint64_t seed,
          Eigen::Index at)
      : is_transposed_(is_transposed),
        is_rounded_(is_rounded),
        at_(at),
        numbers_(is_transposed ? RandomNumbers(cols, rows, seed)
                               : RandomNumbers(rows, cols, seed)) {
    if (is_rounded) {
      std::vector<float> more(static_cast<size_t>(at), kNoNumber);
      more.insert(more.end(), numbers_.data(), numbers_.data() + numbers_.size());
      rounded_.Round(more);
      for (Eigen::Index i = 0; i < numbers_.size(); ++i)
        numbers_.data()[i] = FromBfloat16(ToBfloat16(numbers_.data()[i]));
    } else {
      wider_ = Matrix::Constant(numbers_.rows(), numbers_.cols() + 8, kNoNumber);
      wider_.middleCols(at, numbers_.cols()) = numbers_;
    }
  }

  Factor factor() const {
    const Factor stored =
        is_rounded_ ? rounded_.Matrix(static_cast<size_t>(at_), numbers_.rows(), numbers_.cols())
                    : Factor(wider_.middleCols(at_, numbers_.cols()));
    return is_transposed_ ? stored.Transposed() : stored;
  }
  Eigen::Index rows() const { return is_transposed_ ? numbers_.cols() : numbers_.rows(); }
  Eigen::Index cols() const { return is_transposed_ ? numbers_.rows() : numbers_.cols(); }
  /// The numbers of a row or of a column as they are multiplied.
  Line Row(Eigen::Index i) const {
    if (is_transposed_) return {numbers_.data() + i, numbers_.cols()};
    return {numbers_.data() + i * numbers_.cols(), 1};
  }
  Line Column(Eigen::Index j) const {
    if (is_transposed_) return {numbers_.data() + j * numbers_.cols(), 1};
    return {numbers_.data() + j, numbers_.cols()};
  }

 private:
  bool is_transposed_;
  bool is_rounded_;
  Eigen::Index at_;
  Matrix numbers_;  // as they are stored and multiplied
  Matrix wider_;
  Rounded rounded_;
};

struct TwoOperands {
  TwoOperands(const ProductShape& shape, const ProductKind& kind, Eigen::Index at)
      : a(shape.m, shape.k, kind.a_is_transposed, kind.is_rounded, 1, at),
        b(shape.k, shape.n, kind.b_is_transposed, kind.is_rounded, 2, at) {}

  void MultiplyInto(bool adds, MutableBlock c) const {
    if (adds) {
      MultiplyAdd(a.factor(), b.factor(), c);
    } else {
      Multiply(a.factor(), b.factor(), c);
    }
  }

  Operand a;
  Operand b;
};

/// 2^-24: a float that is rounded is off by at most so much of itself.
constexpr double kFloatError = 0x1p-24;

/// Expects c = before + a b but for the rounding of sums; nullptr: before is 0. Each of k products
/// and k additions is rounded at most once. In whatever order, the sum is then off by at most
/// (k + 1) 2^-24 of the sum of the sizes of its terms, apart from a term in 2^-48 that the 2 below
/// is for (Higham, "Accuracy and Stability of Numerical Algorithms", 2002, section 3.1). Looks at
/// all of a small product, and at a sample of a large one from all rows and columns.
void ExpectSums(const TwoOperands& factors, const Matrix* before, const ConstBlock& c) {
  const Eigen::Index k = factors.a.cols();
  Eigen::Index step = std::max<Eigen::Index>(1, c.size() / 500);
  while (std::gcd(step, c.cols()) != 1) ++step;
  for (Eigen::Index at = c.size() - 1; at >= 0; at -= step) {
    const Eigen::Index i = at / c.cols();
    const Eigen::Index j = at % c.cols();
    const Operand::Line a = factors.a.Row(i);
    const Operand::Line b = factors.b.Column(j);
    double sum = before == nullptr ? 0 : (*before)(i, j);
    double sizes = std::abs(sum);
    for (Eigen::Index l = 0; l < k; ++l) {
      const double term = static_cast<double>(a.first[l * a.step]) * b.first[l * b.step];
      sum += term;
      sizes += std::abs(term);
    }
    const double off = std::abs(c(i, j) - sum);
    ASSERT_LE(off, static_cast<double>(k + 2) * kFloatError * sizes)
        << "at (" << i << ", " << j << "): " << c(i, j) << ", expected " << sum;
  }
}

class Products : public ::testing::TestWithParam<Backend> {
 private:
  BackendInUse backend_{GetParam()};
};

TEST_P(Products, AreSumsOfTheirProductsAndTouchNothingElse) {
  for (const ProductShape& shape : kProductShapes) {
    const Matrix before = RandomNumbers(shape.m, shape.n, 3);
    for (const ProductKind& kind : EveryProductKind()) {
      SCOPED_TRACE(Describe(shape, kind));
      const TwoOperands factors(shape, kind, 2);
      Matrix wider = Matrix::Constant(shape.m, shape.n + 8, 7);
      auto c = wider.middleCols(3, shape.n);
      c = kind.adds ? before : Matrix::Constant(shape.m, shape.n, kNoNumber);
      factors.MultiplyInto(kind.adds, c);
      ExpectSums(factors, kind.adds ? &before : nullptr, c);
      EXPECT_TRUE((wider.leftCols(3).array() == 7).all() &&
                  (wider.rightCols(5).array() == 7).all());
      if (HasFailure()) return;
    }
  }
}

TEST_P(Products, OfNoTermsAreZeroOrWhatIsAddedTo) {
  for (const ProductKind& kind : EveryProductKind()) {
    const ProductShape shape = {3, 0, 5};
    SCOPED_TRACE(Describe(shape, kind));
    const TwoOperands factors(shape, kind, 2);
    Matrix wider = Matrix::Constant(3, 13, 7);
    factors.MultiplyInto(kind.adds, wider.middleCols(3, 5));
    EXPECT_EQ(wider.middleCols(3, 5).sum(), kind.adds ? 3 * 5 * 7 : 0);
    EXPECT_EQ(wider.sum() - wider.middleCols(3, 5).sum(), 3 * 8 * 7);
  }
}

/// A worker's first slice may be empty.
TEST_P(Products, HaveNoRowsOrColumnsWhereFactorsHaveNone) {
  for (const ProductShape& shape :
       {ProductShape{0, 4, 5}, ProductShape{3, 4, 0}, ProductShape{0, 0, 0}}) {
    for (const ProductKind& kind : EveryProductKind()) {
      SCOPED_TRACE(Describe(shape, kind));
      const TwoOperands factors(shape, kind, 0);
      Matrix c = Matrix::Constant(shape.m, shape.n, 7);
      factors.MultiplyInto(kind.adds, c);
    }
  }
}

TEST_P(Products, OfMiddleRowsAreThoseRows) {
  const ProductShape shape = {70, 40, 33};
  for (const ProductKind& kind : EveryProductKind()) {
    if (kind.adds) continue;
    SCOPED_TRACE(Describe(shape, kind));
    const TwoOperands factors(shape, kind, 2);
    Matrix whole(shape.m, shape.n);
    factors.MultiplyInto(false, whole);
    const Factor rows = factors.a.factor().MiddleRows(11, 32);
    ASSERT_EQ(rows.rows(), 32);
    ASSERT_EQ(rows.cols(), shape.k);
    Matrix part(32, shape.n);
    Multiply(rows, factors.b.factor(), part);
    // Sums in another order differ by 2^-24 of 40 terms of about 1, at most 40 times.
    EXPECT_LT((part - whole.middleRows(11, 32)).cwiseAbs().maxCoeff(), 1e-4);
    // Columns of a, with the rows of b that belong to them, are parts of the sums.
    Matrix sum = Matrix::Zero(shape.m, shape.n);
    const Factor a = factors.a.factor().Transposed();
    for (const auto& [begin, n] : {std::pair(0, 17), std::pair(17, 23)})
      MultiplyAdd(a.MiddleRows(begin, n).Transposed(), factors.b.factor().MiddleRows(begin, n),
                  sum);
    EXPECT_LT((sum - whole).cwiseAbs().maxCoeff(), 1e-4);
  }
}

/// The product in a block that begins at column `at`.
Matrix ProductAt(const TwoOperands& factors, bool adds, Eigen::Index at) {
  Matrix wider = Matrix::Constant(factors.a.rows(), factors.b.cols() + 8, 0.5f);
  factors.MultiplyInto(adds, wider.middleCols(at, factors.b.cols()));
  return wider.middleCols(at, factors.b.cols());
}

bool HaveEqualBits(const Matrix& a, const Matrix& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() &&
         std::memcmp(a.data(), b.data(), static_cast<size_t>(a.size()) * sizeof(float)) == 0;
}

TEST_P(Products, BitsDoNotDependOnTheNumberOfThreads) {
  for (const ProductShape& shape : kLargeShapes) {
    for (const ProductKind& kind : EveryProductKind()) {
      const TwoOperands factors(shape, kind, 0);
      const Matrix alone = ProductAt(factors, kind.adds, 0);
      for (const int n_threads : {1, 2, 3, 5}) {
        Team team(n_threads);
        EXPECT_TRUE(HaveEqualBits(ProductAt(factors, kind.adds, 0), alone))
            << Describe(shape, kind) << ", " << n_threads << " threads";
      }
    }
  }
}

/// Where a large product lies in memory decides nothing. Eigen sums small ones as they are aligned.
TEST_P(Products, BitsDoNotDependOnWhereTheFactorsLie) {
  for (const ProductShape& shape : kLargeShapes) {
    for (const ProductKind& kind : EveryProductKind()) {
      const Matrix aligned = ProductAt(TwoOperands(shape, kind, 0), kind.adds, 0);
      for (const Eigen::Index at : {1, 4}) {
        EXPECT_TRUE(HaveEqualBits(ProductAt(TwoOperands(shape, kind, at), kind.adds, at), aligned))
            << Describe(shape, kind) << ", from column " << at << " on";
      }
    }
  }
}

TEST_P(Products, BitsDoNotDependOnTheThreadOrTheRun) {
  for (const ProductKind& kind : EveryProductKind()) {
    std::vector<TwoOperands> factors;
    for (const ProductShape& shape : kProductShapes) factors.emplace_back(shape, kind, 0);
    const auto all = [&] {
      std::vector<Matrix> products;
      for (const TwoOperands& two : factors) products.push_back(ProductAt(two, kind.adds, 0));
      return products;
    };
    const std::vector<Matrix> once = all();
    const std::vector<Matrix> again = all();
    std::vector<Matrix> elsewhere;
    std::jthread([&] { elsewhere = all(); }).join();
    for (size_t i = 0; i < once.size(); ++i) {
      EXPECT_TRUE(HaveEqualBits(again[i], once[i])) << Describe(kProductShapes[i], kind);
      EXPECT_TRUE(HaveEqualBits(elsewhere[i], once[i]))
          << Describe(kProductShapes[i], kind) << ", in another thread";
    }
  }
}

TEST_P(Products, RoundedFactorsHaveSixteenBitsWhereThereAreInstructions) {
  EXPECT_EQ(Operand(3, 4, false, true, 1, 0).factor().is_bfloat16(), HasBfloat16Instructions());
  EXPECT_FALSE(Operand(3, 4, false, false, 1, 0).factor().is_bfloat16());
  EXPECT_FALSE(GetParam() == Backend::kEigen && HasBfloat16Instructions());
}

TEST_P(Products, OfShapesThatDoNotMatchAreRefused) {
  const Matrix a = Matrix::Zero(2, 3);
  const Matrix b = Matrix::Zero(4, 5);
  Matrix c(2, 5);
  const auto multiply = [&] { Multiply(Factor(a), Factor(b), c); };
  EXPECT_DEATH(multiply(), "2x3 times 4x5 to 2x5");
  const auto transposed = [&] { MultiplyAdd(Factor(b).Transposed(), Factor(a), c); };
  EXPECT_DEATH(transposed(), "5x4 times 2x3 to 2x5");
}

TEST_P(Products, OfFactorsOfTwoKindsAreRefused) {
  if (!HasBfloat16Instructions()) GTEST_SKIP() << "all factors are floats";
  const Operand floats(3, 4, false, false, 1, 0);
  const Operand rounded(4, 5, false, true, 2, 0);
  Matrix c(3, 5);
  const auto multiply = [&] { Multiply(floats.factor(), rounded.factor(), c); };
  EXPECT_DEATH(multiply(), "is_bfloat16");
}

INSTANTIATE_TEST_SUITE_P(Backends, Products, ::testing::ValuesIn(BackendsOfThisBuild()),
                         [](const auto& test) { return BackendName(test.param); });

/// Each is near the exact product of the rounded factors, by half of this.
TEST(ProductsOfRoundedFactors, DifferAmongBackendsByTheOrderOfSumsAlone) {
  const ProductShape shape = {65, 130, 40};
  std::vector<Matrix> found;
  for (const Backend backend : BackendsOfThisBuild()) {
    const BackendInUse in_use(backend);
    found.push_back(ProductAt(TwoOperands(shape, {.is_rounded = true}, 0), false, 0));
  }
  const BackendInUse in_use(Backend::kEigen);
  const TwoOperands factors(shape, {.is_rounded = true}, 0);
  for (const Matrix& c : found) {
    for (Eigen::Index i = 0; i < c.rows(); ++i) {
      for (Eigen::Index j = 0; j < c.cols(); ++j) {
        const Operand::Line a = factors.a.Row(i);
        const Operand::Line b = factors.b.Column(j);
        double sizes = 0;
        for (Eigen::Index l = 0; l < shape.k; ++l)
          sizes += std::abs(a.first[l * a.step] * b.first[l * b.step]);
        ASSERT_NEAR(c(i, j), found[0](i, j),
                    2 * static_cast<double>(shape.k + 2) * kFloatError * sizes);
      }
    }
  }
  const TwoOperands exact(shape, {}, 0);
  EXPECT_GT((ProductAt(exact, false, 0) - found[0]).cwiseAbs().maxCoeff(), 1e-3)
      << "nothing was rounded";
}

TEST(ProductBackend, IsOneDnnAtFirstWhereThisBuildHasIt) {
  EXPECT_TRUE(HasBackend(Backend::kEigen));
  EXPECT_EQ(CurrentBackend(), HasBackend(Backend::kOneDnn) ? Backend::kOneDnn : Backend::kEigen);
  {
    const BackendInUse in_use(Backend::kEigen);
    EXPECT_EQ(CurrentBackend(), Backend::kEigen);
  }
  EXPECT_EQ(CurrentBackend(), HasBackend(Backend::kOneDnn) ? Backend::kOneDnn : Backend::kEigen);
}

TEST(ProductBackend, IsDescribedWithItsVersionAndInstructions) {
  for (const Backend backend : BackendsOfThisBuild()) {
    const BackendInUse in_use(backend);
    EXPECT_THAT(DescribeBackend(),
                ::testing::MatchesRegex(backend == Backend::kEigen
                                            ? "Eigen [0-9]+\\.[0-9]+\\.[0-9]+ \\(.+\\)"
                                            : "oneDNN [0-9]+\\.[0-9]+\\.[0-9]+ \\(.+\\)"));
  }
}

/// tests/CMakeLists.txt runs this file with several values of oneDNN's environment variable, each
/// of which stands for a processor with fewer instructions.
TEST(ProductInstructions, AreNoMoreThanTheEnvironmentAllows) {
  const char* const limit = std::getenv("DNNL_MAX_CPU_ISA");
  const std::string_view instructions = limit == nullptr ? "" : limit;
  if (instructions == "AVX2") {
    EXPECT_FALSE(HasBackend(Backend::kOneDnn));
    EXPECT_EQ(CurrentBackend(), Backend::kEigen);
    EXPECT_THAT(DescribeBackend(), ::testing::StartsWith("Eigen "));
    EXPECT_FALSE(HasBfloat16Instructions());
    return;
  }
  if (!HasBackend(Backend::kOneDnn)) GTEST_SKIP() << "without oneDNN or AVX-512";
  const BackendInUse in_use(Backend::kOneDnn);
  const std::string backend = DescribeBackend();
  if (instructions == "AVX512_CORE") {
    EXPECT_THAT(backend, ::testing::EndsWith(" (AVX-512)"));
    EXPECT_FALSE(HasBfloat16Instructions());
  } else {
    EXPECT_EQ(HasBfloat16Instructions(),
              backend.find("BF16") != std::string::npos || backend.find("AMX") != std::string::npos)
        << backend;
  }
}

}  // namespace
}  // namespace zhiyin::worker::model::nn
