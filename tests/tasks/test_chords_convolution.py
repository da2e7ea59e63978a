import torch

from tasks.chords.model import TallConv2d


def test_its_gradients_are_those_of_a_convolution():
    torch.manual_seed(0)
    ours, theirs = TallConv2d(3, 4, (27, 6)).double(), torch.nn.Conv2d(3, 4, (27, 6)).double()
    theirs.load_state_dict(ours.state_dict())
    inputs = [torch.randn(5, 3, 55, 12, dtype=torch.double).requires_grad_() for _ in range(2)]
    inputs[1].data.copy_(inputs[0].data)
    outputs = [layer(x) for layer, x in zip((ours, theirs), inputs, strict=True)]
    assert torch.equal(*outputs)
    for y in outputs:
        y.sin().sum().backward()
    for ours_has, theirs_has in zip((inputs[0], *ours.parameters()), (inputs[1], *theirs.parameters()), strict=True):
        torch.testing.assert_close(ours_has.grad, theirs_has.grad, rtol=1e-12, atol=1e-12)
    torch.autograd.gradcheck(TallConv2d(2, 2, (3, 2)).double(), torch.randn(2, 2, 5, 4).double().requires_grad_())
