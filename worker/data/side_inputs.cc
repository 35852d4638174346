#include "worker/data/side_inputs.h"

#include <utility>

namespace zhiyin::worker::data {

SideInputs ReadSideInputs(const Job& job, const Tick& tick, ReadCounts* counts) {
  SideInputs inputs;
  if (job.data().has_behaviour()) {
    inputs.behaviour = Behaviour::Read(job, tick, counts);
    if (job.data().join_size() > 0) inputs.joins = inputs.behaviour->joins();
  } else if (job.data().join_size() > 0) {
    inputs.joins = Joins::Read(job, tick, counts);
  }
  return inputs;
}

std::shared_ptr<const HostMemory> ShareSideInputs(const Job& job, const Tick& tick,
                                                  ReadCounts* counts) {
  HostWriter writer;
  if (job.data().has_behaviour()) {
    Behaviour::Read(job, tick, counts)->Share(&writer);
  } else {
    Joins::Read(job, tick, counts)->Share(&writer);
  }
  return writer.Finish();
}

SideInputs ReadSharedSideInputs(const Job& job, std::shared_ptr<const HostMemory> memory) {
  HostReader reader(std::move(memory));
  SideInputs inputs;
  if (job.data().has_behaviour()) {
    inputs.behaviour = Behaviour::ReadShared(job, &reader);
    if (job.data().join_size() > 0) inputs.joins = inputs.behaviour->joins();
  } else {
    inputs.joins = Joins::ReadShared(job, &reader);
  }
  return inputs;
}

}  // namespace zhiyin::worker::data
