#include "launch/saved.h"

#include "common/config.h"
#include "worker/saved_model.h"

namespace zhiyin::launch {

SavedChain CheckedJob(SavedChain saved, const std::vector<std::string>& overrides) {
  auto& [folder, manifest] = saved.back();
  *manifest.mutable_job() = ParseJob(JobToText(manifest.job()), folder + "/manifest.textproto: job", folder, overrides);
  return saved;
}

SavedChain LoadSaved(const std::string& folder, const std::vector<std::string>& overrides) {
  return CheckedJob(worker::LoadChain(folder), overrides);
}

std::vector<ps::Table> EmptyTables(const Job& job) {
  std::vector<ps::Table> tables;
  for (const ps::TableSpec& spec : ps::TableSpecs(job)) tables.emplace_back(spec, job.train().seed());
  return tables;
}

}  // namespace zhiyin::launch
