#include "worker/train/host_side_inputs.h"

#include <glog/logging.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "common/bytes.h"
#include "common/error.h"

namespace zhiyin::worker::train {
namespace {

/// The names of the hosts of all workers, [n_workers].
std::vector<std::string> HostsOfWorkers(const std::string& host, int n_workers, Group* group) {
  ByteWriter all;
  for (const std::string& one : group->Gather(host, "the names of hosts")) all.PutString(one);
  const std::string bytes = group->Broadcast(all.Take(), "the names of hosts");
  ByteReader reader(bytes, "the names of hosts");
  std::vector<std::string> hosts;
  for (int w = 0; w < n_workers; ++w) hosts.push_back(reader.GetString());
  return hosts;
}

}  // namespace

data::SideInputs ReadSideInputsOnceAHost(const Job& job, const std::string& host, int n_workers,
                                         data::ReadCounts* counts, Group* group) {
  if (!data::HasSideInputs(job)) return {};
  const Tick tick = [group] { group->SendHeartbeat(); };
  const std::vector<std::string> hosts = HostsOfWorkers(host, n_workers, group);
  const int first = static_cast<int>(std::find(hosts.begin(), hosts.end(), host) - hosts.begin());
  if (std::count(hosts.begin(), hosts.end(), host) == 1)
    return data::ReadSideInputs(job, tick, counts);
  if (group->worker() != first) {
    const std::string name = group->Receive(first, "data.behaviour and data.join");
    try {
      return data::ReadSharedSideInputs(job, HostMemory::Open(name));
    } catch (const Error& e) {
      LOG(WARNING) << e.what() << "; the files are read instead";
      return data::ReadSideInputs(job, tick, counts);
    }
  }
  const std::shared_ptr<const HostMemory> memory = data::ShareSideInputs(job, tick, counts);
  for (int w = first + 1; w < n_workers; ++w) {
    if (hosts[static_cast<size_t>(w)] == host) group->Send(w, memory->name());
  }
  return data::ReadSharedSideInputs(job, memory);
}

}  // namespace zhiyin::worker::train
