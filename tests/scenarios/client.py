"""The State API for scenarios, over grpcio and stubs generated from proto/."""

import grpc

from spec.proto.runtime.v1 import runtime_pb2 as runtime
from spec.proto.runtime.v1 import runtime_pb2_grpc as runtime_grpc

from support.sidecar import PATIENCE


class State:
    def __init__(self, address, store="demo", channel=None, metadata=()):
        self.channel = channel or grpc.insecure_channel(
            address, options=[("grpc.enable_retries", 0)])
        self.stub = runtime_grpc.RuntimeStub(self.channel)
        self.store = store
        self.metadata = tuple(metadata)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()

    def save(self, key, value, **item):
        self.stub.SaveState(
            runtime.SaveStateRequest(
                store_name=self.store,
                states=[runtime.StateItem(key=key, value=value, **item)]),
            timeout=PATIENCE, metadata=self.metadata)

    def get(self, key):
        """(value, etag)"""
        reply = self.stub.GetState(
            runtime.GetStateRequest(store_name=self.store, key=key), timeout=PATIENCE,
            metadata=self.metadata)
        return reply.data, reply.etag

    def delete(self, key):
        self.stub.DeleteState(
            runtime.DeleteStateRequest(store_name=self.store, key=key), timeout=PATIENCE,
            metadata=self.metadata)


def code_of(call, *arguments, **named):
    """The grpc.StatusCode a call fails with; OK when it does not."""
    try:
        call(*arguments, **named)
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK
