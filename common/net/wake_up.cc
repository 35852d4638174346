#include "common/net/wake_up.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmath>

namespace zhiyin::net {

bool WakeUp::SleepFor(double seconds) {
  const double whole = std::floor(seconds);
  const timespec span{static_cast<time_t>(whole), static_cast<long>((seconds - whole) * 1e9)};
  // Returns at once where a wake-up has come; may also return for no reason.
  syscall(SYS_futex, &asleep_, FUTEX_WAIT, 1, &span, nullptr, 0);
  return asleep_.exchange(0, std::memory_order_acq_rel) == 0;
}

void WakeUp::Wake() {
  if (asleep_.exchange(0, std::memory_order_acq_rel) == 1)
    syscall(SYS_futex, &asleep_, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

}  // namespace zhiyin::net
