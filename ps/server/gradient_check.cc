#include "ps/server/gradient_check.h"

#include <glog/logging.h>

#include <algorithm>
#include <bit>
#include <filesystem>
#include <limits>
#include <sstream>

#include "common/file.h"
#include "ps/server/request_check.h"

namespace zhiyin::ps::server {
namespace {

/// Refused pushes that are written out, at most.
constexpr int kMaxDumps = 10;

/// Whether all values are finite and at most `limit` in absolute value. The order of the bits of
/// floats without their sign is that of their values, infinities and NaNs last.
bool AreWithin(const float* values, size_t n, float limit) {
  uint32_t largest = 0;
  for (size_t i = 0; i < n; ++i)
    largest = std::max(largest, std::bit_cast<uint32_t>(values[i]) & 0x7fffffffu);
  return largest <= std::bit_cast<uint32_t>(limit);
}

}  // namespace

GradientCheck::GradientCheck(const Job& job, const std::string& folder, ServerState* state,
                             PushGradients* gradients)
    : max_gradient_(job.train().max_gradient() > 0 ? static_cast<float>(job.train().max_gradient())
                                                   : std::numeric_limits<float>::max()),
      folder_(folder),
      state_(state),
      gradients_(gradients) {}

bool GradientCheck::Refuses(const PendingPull& pull, const net::Frame& push) {
  if (!HasNonFinite(pull, push)) return false;
  Dump(pull, push);
  return true;
}

bool GradientCheck::HasNonFinite(const PendingPull& pull, const net::Frame& push) {
  const ScopedStage stage(&state_->stages, ServerStage::kCheck);
  bool has_non_finite = false;
  gradients_->ForEachSection(
      pull, push, [&](const table::Table& table, auto rows, const float* gradients, const float*) {
        if (AreWithin(gradients, rows.size() * static_cast<size_t>(table.dim()), max_gradient_))
          return;
        has_non_finite = true;
        state_->report.CountNonFinite(push.source(), table.name(), 1);
      });
  return has_non_finite;
}

void GradientCheck::Dump(const PendingPull& pull, const net::Frame& push) {
  if (n_dumped_ == kMaxDumps) return;
  ++n_dumped_;
  const std::string name = TextOf("server-", state_->server, "-rank-", push.source(), "-push-",
                                  PreludeOf(push).sequence, ".tsv");
  LOG(WARNING) << "refused a push of step " << push.header().clock << " from rank " << push.source()
               << ": a gradient is not finite or above " << max_gradient_
               << (folder_.empty() ? "" : ", see " + folder_ + "/" + name);
  if (folder_.empty()) return;
  std::ostringstream text;
  text.precision(9);  // tells all floats apart
  text << "table\tkey\tgradient\n";
  const Key* key = KeysBehind(SectionsOf(pull.request, state_->tables.size()));
  gradients_->ForEachSection(
      pull, push, [&](const table::Table& table, auto rows, const float* gradients, const float*) {
        for (size_t i = 0; i < rows.size(); ++i) {
          text << table.name() << '\t' << *key++;
          for (int d = 0; d < table.dim(); ++d) text << '\t' << *gradients++;
          text << '\n';
        }
      });
  std::filesystem::create_directories(folder_);
  ReplaceFile(folder_ + "/" + name, text.str());
}

}  // namespace zhiyin::ps::server
