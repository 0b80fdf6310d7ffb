"""Counts its own starts in the state store `demo`, whatever is behind it.

Stubs:  python3 -m grpc_tools.protoc -I proto --python_out=. --grpc_python_out=. \
            proto/spec/proto/runtime/v1/runtime.proto proto/spec/proto/runtime/v1/appcallback.proto
"""

import sys

import grpc
from spec.proto.runtime.v1 import runtime_pb2 as runtime
from spec.proto.runtime.v1 import runtime_pb2_grpc as runtime_grpc


def count(stub):
    """Reads, adds one, writes with the etag that was read; again if somebody was faster."""
    while True:
        found = stub.GetState(runtime.GetStateRequest(store_name="demo", key="starts"))
        starts = int(found.data or b"0") + 1
        item = runtime.StateItem(key="starts", value=str(starts).encode())
        if found.etag:
            item.etag.value = found.etag
        item.options.concurrency = runtime.StateOptions.CONCURRENCY_FIRST_WRITE
        try:
            stub.SaveState(runtime.SaveStateRequest(store_name="demo", states=[item]))
            return starts
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.ABORTED:
                raise


def main():
    address = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:34904"
    with grpc.insecure_channel(address) as channel:
        print(f"start number {count(runtime_grpc.RuntimeStub(channel))}")


if __name__ == "__main__":
    main()
