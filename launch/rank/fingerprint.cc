#include "launch/rank/fingerprint.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <cstdio>
#include <string>

#include "common/hash.h"
#include "common/net/frame.h"
#include "configs/job.pb.h"
#include "configs/manifest.pb.h"
#include "ps/protocol.h"

namespace zhiyin::launch::rank {
namespace {

/// Names, numbers and types of all fields, without comments.
std::string FieldsOf(const google::protobuf::Descriptor* message) {
  google::protobuf::FileDescriptorProto file;
  message->file()->CopyTo(&file);
  return file.SerializeAsString();
}

}  // namespace

std::string Fingerprint() {
  std::string agreed = FieldsOf(Job::descriptor()) + FieldsOf(Manifest::descriptor());
  for (uint16_t kind = 1; !net::NameOf(static_cast<net::FrameKind>(kind)).empty(); ++kind) {
    agreed += net::NameOf(static_cast<net::FrameKind>(kind));
    agreed += '\n';
  }
  for (const size_t number : {sizeof(ps::Section), sizeof(ps::PushPrelude),
                              size_t{ps::kMaxPullsInFlight}, ps::ServerReport::kStalenessBins}) {
    agreed += std::to_string(number) + '\n';
  }
  char digest[9];
  std::snprintf(digest, sizeof(digest), "%08x", static_cast<uint32_t>(HashBytes(agreed)));
  return "zhiyin " ZHIYIN_VERSION " (protocol " + std::to_string(net::kFrameVersion) + ", " +
         digest + ")";
}

}  // namespace zhiyin::launch::rank
