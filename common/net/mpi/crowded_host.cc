#include "common/net/mpi/crowded_host.h"

#include <dlfcn.h>
#include <mpi.h>
#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include "common/processors.h"

namespace zhiyin::net {
namespace {

/// Sets whether the progress function of Open MPI yields the processor when it finds no message.
/// The library reads its parameter only in MPI_Init. By default crowded ranks yield, also in
/// MPI_Finalize, where a dozen ranks that do not yield take a second. Does nothing if the library
/// has no such function.
void SetYieldWhenIdle(bool yield) {
  if (std::getenv("OMPI_MCA_mpi_yield_when_idle") != nullptr) return;
  using Setter = void (*)(bool);
  if (const auto set =
          reinterpret_cast<Setter>(dlsym(RTLD_DEFAULT, "opal_progress_set_yield_when_idle")))
    set(yield);
}

/// The number of processors that any rank of the host may run on.
int ProcessorsOf(MPI_Comm host) {
  const std::vector<int> own = AllowedProcessors();
  int n = own.empty() ? 0 : own.back() + 1;
  MPI_Allreduce(MPI_IN_PLACE, &n, 1, MPI_INT, MPI_MAX, host);
  std::vector<unsigned char> allowed(static_cast<size_t>(n));  // [processor], 1: it is allowed
  for (const int processor : own) allowed[static_cast<size_t>(processor)] = 1;
  MPI_Allreduce(MPI_IN_PLACE, allowed.data(), n, MPI_UNSIGNED_CHAR, MPI_MAX, host);
  return static_cast<int>(std::count(allowed.begin(), allowed.end(), 1));
}

}  // namespace

/// The wake-ups of the ranks of a host, in an MPI window of shared memory.
struct CrowdedHost::SharedMemory {
  MPI_Win window = MPI_WIN_NULL;

  // MPI aligns memory for its own types alone: there is room to align it.
  static constexpr size_t kBytes = 2 * sizeof(WakeUp);
  /// Where the wake-up is in a rank's memory: at one place for all ranks, since memory is mapped by
  /// whole pages.
  static void* Aligned(void* memory) {
    size_t room = kBytes;
    return std::align(alignof(WakeUp), sizeof(WakeUp), memory, room);
  }

  /// Collective over the ranks of `host`: nullptr on all of them where one gets no memory.
  static std::unique_ptr<SharedMemory> Of(MPI_Comm host, std::vector<WakeUp*>* wake_ups) {
    auto memory = std::make_unique<SharedMemory>();
    void* own = nullptr;
    int is_there = MPI_Win_allocate_shared(kBytes, 1, MPI_INFO_NULL, host, &own, &memory->window) ==
                   MPI_SUCCESS;
    if (is_there) new (Aligned(own)) WakeUp();
    // No rank uses a wake-up before all are made.
    MPI_Allreduce(MPI_IN_PLACE, &is_there, 1, MPI_INT, MPI_MIN, host);
    if (!is_there) return nullptr;
    MPI_Group here;
    MPI_Group everywhere;
    MPI_Comm_group(host, &here);
    MPI_Comm_group(MPI_COMM_WORLD, &everywhere);
    int n_here = 0;
    MPI_Comm_size(host, &n_here);
    for (int i = 0; i < n_here; ++i) {
      int rank = 0;
      MPI_Group_translate_ranks(here, 1, &i, everywhere, &rank);
      MPI_Aint n_bytes = 0;
      int unit = 0;
      void* wake_up = nullptr;
      MPI_Win_shared_query(memory->window, i, &n_bytes, &unit, &wake_up);
      (*wake_ups)[static_cast<size_t>(rank)] = static_cast<WakeUp*>(Aligned(wake_up));
    }
    MPI_Group_free(&here);
    MPI_Group_free(&everywhere);
    return memory;
  }
};

CrowdedHost::CrowdedHost() {
  int n_ranks = 0;
  MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
  wake_ups_.resize(static_cast<size_t>(n_ranks));
  MPI_Comm host;
  if (MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &host) !=
      MPI_SUCCESS)
    return;
  int n_here = 0;
  MPI_Comm_size(host, &n_here);
  is_crowded_ = n_here > ProcessorsOf(host);
  if (is_crowded_) {
    memory_ = SharedMemory::Of(host, &wake_ups_);
    const sched_param parameters{};
    sched_setscheduler(0, SCHED_BATCH, &parameters);
    SetYieldWhenIdle(false);
  }
  MPI_Comm_free(&host);
}

CrowdedHost::~CrowdedHost() {
  if (is_crowded_) SetYieldWhenIdle(true);
  if (memory_) MPI_Win_free(&memory_->window);
}

}  // namespace zhiyin::net
