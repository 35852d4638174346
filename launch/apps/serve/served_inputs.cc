#include "launch/apps/serve/served_inputs.h"

#include <google/protobuf/util/message_differencer.h>

namespace zhiyin::launch::apps {
namespace {

using worker::data::FileBytes;
using worker::data::FileStamp;

/// The versions of the files that the side inputs of a job are read from, as they are now.
std::vector<FileStamp> StampsOfInputs(const Data& data) {
  std::vector<FileStamp> stamps;
  const auto add = [&](const auto& files) {
    for (const std::string& file : files) stamps.push_back(FileBytes(file).stamp());
  };
  if (data.has_behaviour()) add(data.train().file());
  for (const Join& join : data.join()) add(join.file());
  return stamps;
}

}  // namespace

ServedInputs::ServedInputs(const Job& job)
    : data_(job.data()), stamps_(StampsOfInputs(data_)), side_(worker::data::ReadSideInputs(job)) {}

bool ServedInputs::AreOf(const Job& job) const {
  return google::protobuf::util::MessageDifferencer::Equals(data_, job.data()) &&
         (side_.joins == nullptr || side_.joins->AreOf(job)) && stamps_ == StampsOfInputs(data_);
}

std::vector<std::string> ServedInputs::BadLineNotes() const {
  return side_.joins == nullptr ? std::vector<std::string>() : side_.joins->BadLineNotes();
}

}  // namespace zhiyin::launch::apps
