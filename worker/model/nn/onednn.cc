#include "worker/model/nn/onednn.h"

#include <glog/logging.h>
#include <pthread.h>
#include <signal.h>

#include <oneapi/dnnl/dnnl.hpp>
#include <optional>

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
    dnnl::matmul& product = Primitive(a.is_transposed(), b.is_transposed(), adds);
    const auto argument = [&](const Factor& factor) {
      return memory({{factor.rows(), factor.cols()}, memory::data_type::bf16, Strides(factor)},
                    engine_, const_cast<Bfloat16*>(factor.halves()));
    };
    product.execute(
        stream_,
        {{DNNL_ARG_SRC, argument(a)},
         {DNNL_ARG_WEIGHTS, argument(b)},
         {DNNL_ARG_DST,
          memory({{c.rows(), c.cols()}, memory::data_type::f32, memory::dims{c.outerStride(), 1}},
                 engine_, c.data())}});
  }

 private:
  /// One primitive serves all shapes: those of sequences differ from slice to slice, and code would
  /// be made for each.
  dnnl::matmul& Primitive(bool a_transposed, bool b_transposed, bool adds) {
    std::optional<dnnl::matmul>& made = primitives_[a_transposed][b_transposed][adds];
    if (made) return *made;
    constexpr memory::dim kAny = DNNL_RUNTIME_DIM_VAL;
    const memory::dims stored = {kAny, 1};
    const memory::dims transposed = {1, kAny};
    const auto shape = [&](memory::data_type type, bool is_transposed) {
      return memory::desc({kAny, kAny}, type, is_transposed ? transposed : stored);
    };
    dnnl::primitive_attr attributes;
    if (adds) {
      dnnl::post_ops sum;
      sum.append_sum(1);
      attributes.set_post_ops(sum);
    }
    const dnnl::matmul::desc description(shape(memory::data_type::bf16, a_transposed),
                                         shape(memory::data_type::bf16, b_transposed),
                                         shape(memory::data_type::f32, false));
    made.emplace(dnnl::matmul::primitive_desc(description, attributes, engine_));
    return *made;
  }

  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  std::optional<dnnl::matmul> primitives_[2][2][2];
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

void OneDnnProduct(const Factor& a, const Factor& b, bool adds, MutableBlock c) {
  // The threads of a rank are those of its team.
  thread_local const bool is_alone = [] {
    omp_set_num_threads(1);
    return true;
  }();
  CHECK(is_alone);
  const SignalsHeld signals_held;
  if (a.is_bfloat16()) {
    Bfloat16Products::OfThread().Run(a, b, adds, c);
    return;
  }
  const dnnl::status status = dnnl::sgemm(
      a.is_transposed() ? 'T' : 'N', b.is_transposed() ? 'T' : 'N', c.rows(), c.cols(), a.cols(), 1,
      a.floats(), a.stride(), b.floats(), b.stride(), adds ? 1 : 0, c.data(), c.outerStride());
  CHECK(status == dnnl::status::success) << static_cast<int>(status);
}

}  // namespace zhiyin::worker::model::nn
