#include "worker/model/nn/onednn.h"

#include <glog/logging.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <vector>

/// Sets the number of threads for what the calling thread starts: a function of the OpenMP runtime
/// that oneDNN is linked with. Declared here, since its header belongs to compilers.
extern "C" void omp_set_num_threads(int n);

namespace zhiyin::worker::model::nn {
namespace {

using dnnl::memory;

const char* InstructionsName() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::avx512_core:
    case dnnl::cpu_isa::avx512_core_vnni:
      return "AVX-512";
    case dnnl::cpu_isa::avx512_core_bf16:
      return "AVX-512 with BF16";
    case dnnl::cpu_isa::avx512_core_amx:
      return "AVX-512 with AMX";
    default:
      return "its choice of instructions";
  }
}

memory::dims Strides(const Factor& factor) {
  return factor.is_transposed() ? memory::dims{1, factor.stride()}
                                : memory::dims{factor.stride(), 1};
}

/// Keeps signals from the calling thread while it exists. Products of oneDNN move the stack pointer
/// into the heap for a while, where the frame of a signal's handler would overwrite what lies
/// before. A signal of the process goes to another thread, or waits for some milliseconds; those of
/// faults are left alone, since they cannot wait.
class SignalsHeld {
 public:
  SignalsHeld() {
    sigset_t held;
    sigfillset(&held);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT})
      sigdelset(&held, fault);
    pthread_sigmask(SIG_BLOCK, &held, &before_);
  }
  ~SignalsHeld() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  sigset_t before_;
};

/// What a thread needs for products of bfloat16 numbers. One for each thread, since those that
/// execute a primitive share its scratch memory.
class Bfloat16Products {
 public:
  static Bfloat16Products& OfThread() {
    thread_local Bfloat16Products products;
    return products;
  }

  void Run(const Factor& a, const Factor& b, bool adds, MutableBlock c) {
    Execute(Primitive(a.is_transposed(), b.is_transposed(), adds), a, b, c);
  }
  /// Runs code that was made for exactly this shape, which is faster, the more so where a is
  /// transposed. REQUIRES: b and c are without gaps.
  void RunForShape(const Factor& a, const Factor& b, bool adds, MutableBlock c) {
    const bool has_gaps = a.is_transposed() && a.stride() != a.rows();
    const Factor dense = has_gaps ? WithoutGaps(a) : a;
    Execute(PrimitiveForShape(dense, b, adds, c), dense, b, c);
  }

 private:
  /// Makes the code of a product, in one thread at a time: oneDNN keeps what it has made for all.
  dnnl::matmul Make(const dnnl::matmul::desc& description, bool adds) const {
    static std::mutex mutex;
    const std::lock_guard lock(mutex);
    return dnnl::matmul(dnnl::matmul::primitive_desc(description, Attributes(adds), engine_));
  }

  static memory::desc Describe(const Factor& factor) {
    return {{factor.rows(), factor.cols()}, memory::data_type::bf16, Strides(factor)};
  }
  static memory::desc Describe(const MutableBlock& c) {
    return {{c.rows(), c.cols()}, memory::data_type::f32, memory::dims{c.outerStride(), 1}};
  }
  static dnnl::primitive_attr Attributes(bool adds) {
    dnnl::primitive_attr attributes;
    if (adds) {
      dnnl::post_ops sum;
      sum.append_sum(1);
      attributes.set_post_ops(sum);
    }
    return attributes;
  }

  void Execute(dnnl::matmul& product, const Factor& a, const Factor& b, MutableBlock c) {
    const auto argument = [&](const Factor& factor) {
      return memory(Describe(factor), engine_, const_cast<Bfloat16*>(factor.halves()));
    };
    product.execute(stream_, {{DNNL_ARG_SRC, argument(a)},
                              {DNNL_ARG_WEIGHTS, argument(b)},
                              {DNNL_ARG_DST, memory(Describe(c), engine_, c.data())}});
  }

  /// A copy of the columns that a part of a team multiplies. Valid until the next one.
  Factor WithoutGaps(const Factor& a) {
    const Eigen::Index rows = a.cols();
    const Eigen::Index cols = a.rows();
    dense_.resize(static_cast<size_t>(rows * cols));
    for (Eigen::Index i = 0; i < rows; ++i)
      std::copy_n(a.halves() + i * a.stride(), cols, dense_.data() + i * cols);
    return Factor(dense_.data(), rows, cols).Transposed();
  }

  dnnl::matmul& PrimitiveForShape(const Factor& a, const Factor& b, bool adds,
                                  const MutableBlock& c) {
    const std::array<Eigen::Index, 6> shape = {a.rows(),          a.cols(),          b.cols(),
                                               a.is_transposed(), b.is_transposed(), adds};
    const auto found = of_shapes_.find(shape);
    if (found != of_shapes_.end()) return found->second;
    const dnnl::matmul::desc description(Describe(a), Describe(b), Describe(c));
    return of_shapes_.emplace(shape, Make(description, adds)).first->second;
  }

  /// One primitive serves all other shapes: those of sequences differ from slice to slice, and code
  /// would be made for each.
  dnnl::matmul& Primitive(bool a_transposed, bool b_transposed, bool adds) {
    std::optional<dnnl::matmul>& made = primitives_[a_transposed][b_transposed][adds];
    if (made) return *made;
    constexpr memory::dim kAny = DNNL_RUNTIME_DIM_VAL;
    const memory::dims stored = {kAny, 1};
    const memory::dims transposed = {1, kAny};
    const auto shape = [&](memory::data_type type, bool is_transposed) {
      return memory::desc({kAny, kAny}, type, is_transposed ? transposed : stored);
    };
    const dnnl::matmul::desc description(shape(memory::data_type::bf16, a_transposed),
                                         shape(memory::data_type::bf16, b_transposed),
                                         shape(memory::data_type::f32, false));
    made = Make(description, adds);
    return *made;
  }

  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  std::optional<dnnl::matmul> primitives_[2][2][2];
  std::map<std::array<Eigen::Index, 6>, dnnl::matmul> of_shapes_;
  std::vector<Bfloat16> dense_;
};

}  // namespace

bool OneDnnHasBfloat16() {
  static const bool has = [] {
    const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
    return isa == dnnl::cpu_isa::avx512_core_bf16 || isa == dnnl::cpu_isa::avx512_core_amx;
  }();
  return has;
}

bool OneDnnIsOfUse() {
  static const bool is_of_use = [] {
    const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
    return isa == dnnl::cpu_isa::avx512_core || isa == dnnl::cpu_isa::avx512_core_vnni ||
           OneDnnHasBfloat16();
  }();
  return is_of_use;
}

std::string DescribeOneDnn() {
  const dnnl::version_t& version = *dnnl::version();
  return "oneDNN " + std::to_string(version.major) + "." + std::to_string(version.minor) + "." +
         std::to_string(version.patch) + " (" + InstructionsName() + ")";
}

void OneDnnProduct(const Factor& a, const Factor& b, bool adds, bool for_shape, MutableBlock c) {
  // The threads of a rank are those of its team.
  thread_local const bool is_alone = [] {
    omp_set_num_threads(1);
    return true;
  }();
  CHECK(is_alone);
  const SignalsHeld signals_held;
  if (a.is_bfloat16()) {
    Bfloat16Products& products = Bfloat16Products::OfThread();
    for_shape ? products.RunForShape(a, b, adds, c) : products.Run(a, b, adds, c);
    return;
  }
  const dnnl::status status = dnnl::sgemm(
      a.is_transposed() ? 'T' : 'N', b.is_transposed() ? 'T' : 'N', c.rows(), c.cols(), a.cols(), 1,
      a.floats(), a.stride(), b.floats(), b.stride(), adds ? 1 : 0, c.data(), c.outerStride());
  CHECK(status == dnnl::status::success) << static_cast<int>(status);
}

}  // namespace zhiyin::worker::model::nn
