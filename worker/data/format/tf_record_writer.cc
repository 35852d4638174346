#include "worker/data/format/tf_record_writer.h"

#include <glog/logging.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <cstdint>

#include "worker/data/format/tf_frames.h"

namespace zhiyin::worker::data {
namespace {

template <typename T>
std::string_view TfNumberBytes(const T& number) {
  return {reinterpret_cast<const char*>(&number), sizeof(number)};
}

}  // namespace

void AppendTfRecord(std::string_view data, std::string* bytes) {
  CHECK_LE(data.size(), TfFrames::kMaxBytes);
  const uint64_t length = data.size();
  bytes->append(TfNumberBytes(length));
  bytes->append(TfNumberBytes(TfChecksum(TfNumberBytes(length))));
  bytes->append(data);
  bytes->append(TfNumberBytes(TfChecksum(data)));
}

void AppendTfRecord(const TfExample& example, std::string* bytes) {
  std::string data;
  {
    google::protobuf::io::StringOutputStream stream(&data);
    google::protobuf::io::CodedOutputStream output(&stream);
    output.SetSerializationDeterministic(true);
    CHECK(example.SerializeToCodedStream(&output));
  }
  AppendTfRecord(data, bytes);
}

}  // namespace zhiyin::worker::data
